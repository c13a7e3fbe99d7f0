"""Threads that default launches leave resident, by NVIDIA's own calculator."""

from __future__ import annotations

import pytest
from sparse_harness import figures
from sparse_harness.build import CUDA
from sparse_harness.images import CAPABILITIES, image, representatives
from sparse_harness.occupancy import Occupancy, occupancy
from sparse_harness.occupancy_table import (
    as_text,
    recorded,
    recorded_registers,
    table,
)
from sparse_harness.planner import Planner


@pytest.mark.parametrize(
    ("sm", "registers", "threads", "shared_bytes", "expected"),
    [
        # 65536 registers hold three blocks of 256 threads of 80 each, and four of 64 each.
        (53, 80, 256, 0, Occupancy(37.5, ("registers",))),
        (53, 64, 256, 0, Occupancy(50.0, ("registers",))),
        (87, 80, 256, 0, Occupancy(50.0, ("registers",))),
        (110, 128, 256, 0, Occupancy(33.3, ("registers",))),
        # 64 KB hold one block of 33 KB; 164 KB hold two of 55 KB, each with the driver's KB.
        (62, 32, 256, 33 * 1024, Occupancy(12.5, ("shared memory",))),
        (87, 32, 256, 55 * 1024, Occupancy(33.3, ("shared memory",))),
        (72, 32, 1024, 0, Occupancy(100.0, ("threads", "registers"))),
    ],
)
def test_what_is_worked_out_by_hand(
    sm: int, registers: int, threads: int, shared_bytes: int, expected: Occupancy
) -> None:
    assert occupancy(sm, registers, threads, shared_bytes) == expected


def test_a_block_that_an_sm_cannot_hold_is_not_resident() -> None:
    assert occupancy(53, 32, 256, 49 * 1024).percent == 0.0
    with pytest.raises(ValueError, match="refuses a launch on sm_53"):
        occupancy(53, 32, 0, 0)


def test_default_launches_are_as_recorded(planner: Planner) -> None:
    registers = {sm: recorded_registers(sm) for sm in CAPABILITIES}
    assert table(planner, registers) == recorded()


def test_registers_are_those_of_the_compiled_kernels() -> None:
    """The figures are compared with what NVRTC makes; where both have a kernel they agree."""
    compared = 0
    for sm in CAPABILITIES:
        compiled, used = figures.recorded()[f"sm_{sm}"], recorded_registers(sm)
        for kernel in set(representatives(sm)) & set(used):
            assert used[kernel] == compiled[kernel]["registers"]
            compared += 1
    assert compared >= len(CAPABILITIES)


def test_a_kernel_that_is_not_compiled_is_told() -> None:
    with pytest.raises(ValueError, match=r"edgeprune_direct_f32_v4 is no kernel's name"):
        image(87, ["edgeprune_direct_f32_v4"])


def test_half_of_the_threads_are_resident_where_the_readme_says_so() -> None:
    """On sm_72 and later."""
    for sm in ("sm_72", "sm_87", "sm_110"):
        for rows in recorded()[sm].values():
            assert min(row["percent"] for row in rows) >= 50.0


def test_the_readme_has_the_table() -> None:
    readme = (CUDA / "README.md").read_text(encoding="utf-8")
    assert as_text(recorded()) in readme
