"""The roofline: times from counts, and the recorded rows as they come out today."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sparse_harness.build import CUDA
from sparse_harness.roofline import NOTE, Work, bounds
from sparse_harness.roofline_layers import (
    DENSITIES,
    KINDS,
    LAYERS,
    architectures,
    bounds_as_json,
    count_layer,
    of_boards,
)
from sparse_harness.structures import FLOAT16, Convolution

from edgeprune.device.boards import boards_with, find_board

RESULTS = Path(__file__).parents[2] / "examples" / "benchmarks" / "results"
CONV = Convolution(channels=8, outputs=8, size=(8, 8))


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    """What the benchmark wrote."""
    text = (RESULTS / "sparse_conv_roofline.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _row(rows: list[dict[str, Any]], **key: object) -> dict[str, Any]:
    (row,) = [row for row in rows if key.items() <= row.items()]
    return {name: value for name, value in row.items() if name not in key}


def test_times_are_what_is_worked_out_by_hand() -> None:
    """8 SMs at 1.02 GHz and 102 GB/s, 128 multiply-adds of FP32 each a clock."""
    board = find_board("jetson-orin-nano-super")
    done = Work(multiply_adds=128 * 8160, shared_clocks=2 * 8160, sectors=12_750, once_bytes=0)
    found = bounds(done, CONV, board)
    times = (found.compute_us, found.shared_us, found.memory_us, found.memory_once_us)
    assert times == pytest.approx((1.0, 2.0, 4.0, 0.0))
    assert found.bound_us == found.memory_us


@pytest.mark.parametrize(
    ("work", "limit"),
    [
        (Work(128 * 8160, 0, 0, 0), "compute"),
        (Work(128 * 8160, 2 * 8160, 0, 0), "shared"),
        (Work(128 * 8160, 2 * 8160, 10_000, 1000), "memory, uncached"),
        (Work(128 * 8160, 2 * 8160, 10_000, 250_000), "memory"),
    ],
)
def test_the_limit_is_the_longest(work: Work, limit: str) -> None:
    assert bounds(work, CONV, find_board("jetson-orin-nano-super")).limit == limit


def test_tensor_cores_have_their_own_rate() -> None:
    conv = Convolution(channels=32, outputs=32, size=(8, 8), vector=32, type=FLOAT16)
    work = Work(1024 * 8160, 0, 0, 0)
    found = bounds(work, conv, find_board("jetson-orin-nano-super"))
    assert found.compute_us == pytest.approx(1.0)
    with pytest.raises(ValueError, match="jetson-xavier-nx has no tensor cores for a vector of 32"):
        bounds(work, conv, find_board("jetson-xavier-nx"))


@pytest.mark.parametrize(
    ("kind", "sm"), [("FP32, V 4", 53), ("FP16, V 4", 72), ("FP16, V 32", 87), ("FP32, V 4", 110)]
)
def test_a_layer_is_as_recorded(recorded: dict[str, Any], kind: str, sm: int) -> None:
    layer, density = "wrn_16_2 128>128 8x8 s1", DENSITIES[0]
    counted = count_layer(kind, layer, density, sm)
    key = {"kind": kind, "density": density, "layer": layer}
    assert counted.as_json() == _row(recorded["counts"], sm=sm, **key)
    for board, found in of_boards(counted):
        assert bounds_as_json(found) == _row(recorded["bounds"], board=board.name, **key)


def test_every_layer_and_board_is_there(recorded: dict[str, Any]) -> None:
    assert recorded["note"] == NOTE
    expected = sum(
        len(boards_with(str(sm))) * len(DENSITIES) * len(LAYERS)
        for kind in KINDS
        for sm in architectures(kind)
    )
    assert len(recorded["bounds"]) == expected
    table = (RESULTS / "sparse_conv_roofline.txt").read_text(encoding="utf-8")
    assert NOTE in table
    assert all(layer in table for layer in LAYERS)


def test_lanes_are_idle_as_little_as_the_readme_says(recorded: dict[str, Any]) -> None:
    readme = " ".join((CUDA / "README.md").read_text(encoding="utf-8").split())
    idle = {
        (tensor, density): max(
            row["idle_lanes"]
            for row in recorded["counts"]
            if row["density"] == density and ("V 32" in row["kind"]) == tensor
        )
        for tensor in (False, True)
        for density in DENSITIES
    }
    few, many = DENSITIES
    assert max(idle.values()) <= 0.15
    assert f"at most {100 * idle[False, few]:.1f} % of the lanes of CUDA cores" in readme
    assert f"{100 * idle[True, few]:.1f} % at density {few} and" in readme
    assert f"{100 * idle[True, many]:.1f} % at {many} on tensor cores" in readme


def test_the_readme_tells_how_many_rows_have_which_limit(recorded: dict[str, Any]) -> None:
    readme = " ".join((CUDA / "README.md").read_text(encoding="utf-8").split())
    tensor = Counter(row["limit"] for row in recorded["bounds"] if "V 32" in row["kind"])
    direct = Counter(row["limit"] for row in recorded["bounds"] if "V 32" not in row["kind"])
    assert f"shared memory on {direct['shared']} of {direct.total()} rows" in readme
    assert f"DRAM on {direct['memory']} though every byte comes once" in readme
    assert f"on {direct['memory, uncached']} more if no cache" in readme
    assert f"multipliers on {direct['compute']}." in readme
    assert f"on {tensor['memory']} of {tensor.total()} rows though every byte" in readme
    assert set(tensor) == {"memory", "memory, uncached"}
