"""`edgeprune inspect --sparse`: the choice per layer of a masked network, for one board."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import complaint, edgeprune

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.export.sparse_inspection import inspect_sparse
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.registry import build_model
from edgeprune.prune.masks import MaskSet

_BOARD = "jetson-orin-nano-super"


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder's student with a weight mask that leaves 2 %."""
    args = {"num_classes": 10}
    network = build_model("wrn_10_2", **args)
    masks = MaskSet.for_weights(network)
    masks.shrink_to(network, 0.02)
    masks.apply(network)
    path = tmp_path_factory.mktemp("run") / "student.pt"
    save_checkpoint(
        path,
        checkpoint_of(
            network,
            arch="wrn_10_2",
            arch_args=args,
            preprocessing=Preprocessing((0.5,) * 3, (0.5,) * 3, (64, 64), 3),
            classes=(),
            metrics={},
        ),
    )
    return path


def test_json_has_every_convolution_and_sums_that_add_up(masked: Path) -> None:
    command = [sys.executable, "-m", "edgeprune", "inspect", str(masked.parent),
               "--sparse", "jetson-nano", "--json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["basis"] == "a model, not a measurement"
    assert found["board"]["sm"] == "53"
    layers = {layer["layer"]: layer for layer in found["layers"]}
    assert found["dense_ms"] == pytest.approx(sum(x["dense"]["total_ms"] for x in layers.values()))
    assert found["chosen_ms"] == pytest.approx(sum(x["chosen_ms"] for x in layers.values()))
    assert found["chosen_ms"] < found["dense_ms"]
    assert any(layer["goes_sparse"] for layer in layers.values())
    assert layers.keys() == {name for name in layers if "conv" in name or "short" in name}


def test_zeros_are_those_of_the_file(masked: Path) -> None:
    found = inspect_sparse(masked, _BOARD)
    weights = dict(build_model("wrn_10_2", num_classes=10).named_modules())
    kept = sum(
        round((1 - choice.sparsity) * weights[choice.layer].weight.numel())
        for choice in found.choices
    )
    assert kept / sum(weights[c.layer].weight.numel() for c in found.choices) < 0.05
    assert np.mean([choice.sparsity for choice in found.choices]) > 0.8


def test_the_table_says_what_it_is(masked: Path) -> None:
    ended = edgeprune("inspect", masked, "--sparse", _BOARD)
    assert ended.code == 0
    text = " ".join(ended.out.split())
    for word in ("a model, not", "FP16", "block3.layer.0.conv2", "µs as chosen", "total"):
        assert word in text


def test_int8_stays_dense(masked: Path) -> None:
    found = inspect_sparse(masked, _BOARD, "int8")
    assert found.chosen_ms == found.dense_ms
    assert all(choice.reason.startswith("INT8") for choice in found.choices)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--sparse", "orin"), "--sparse orin: there is no such board; use jetson-nano, "),
        (("--sparse", _BOARD, "--precision", "int4"), "--precision"),
        (("--sparse", _BOARD, "--sensitivity", "--data", "digits"), "two reports"),
        (("--sparse", _BOARD, "--in-channels", "1"), "--in-channels 1"),
    ],
)
def test_bad_options_are_one_line(masked: Path, arguments: tuple[str, ...], named: str) -> None:
    assert named in complaint(edgeprune("inspect", masked, *arguments), 2)


def test_without_a_file_there_are_no_masks() -> None:
    ended = edgeprune("inspect", "--arch", "resnet18", "--sparse", _BOARD)
    assert "give a FILE" in complaint(ended, 2)


def test_a_run_without_a_student_is_named(tmp_path: Path) -> None:
    assert "student.pt" in complaint(edgeprune("inspect", tmp_path, "--sparse", _BOARD), 2)
