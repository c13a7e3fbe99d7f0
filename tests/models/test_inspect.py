from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from edgeprune.cli.inspect import command
from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.inspection import inspect_model
from edgeprune.models.registry import build_model


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    args = {"num_classes": 2, "in_channels": 1}
    path = tmp_path / "m.pt"
    save_checkpoint(
        path,
        checkpoint_of(
            build_model("wrn_10_1", **args),
            arch="wrn_10_1",
            arch_args=args,
            preprocessing=Preprocessing((0.3,), (0.4,), (8, 8), 1),
            classes=("a", "b"),
            metrics={"test_top1": 91.25},
        ),
    )
    return path


def test_an_architecture_without_a_file() -> None:
    result = CliRunner().invoke(command, ["--arch", "wrn_16_2", "--num-classes", "100", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert (found["params"], found["macs"]) == (703_284, 101_118_464)
    assert found["layers"][0]["name"] == "conv1"
    assert sum(layer["macs"] for layer in found["layers"]) == found["macs"]


def test_a_file_is_measured_at_its_own_image_size(checkpoint: Path) -> None:
    found = inspect_model(checkpoint)
    assert found.input_shape == (1, 8, 8)
    assert (found.classes, found.metrics) == (2, {"test_top1": 91.25})
    larger = inspect_model(checkpoint, image_size=16)
    assert larger.summary.params == found.summary.params
    head = 64 * 2
    assert larger.summary.macs - head == 4 * (found.summary.macs - head)


def test_the_table_names_layers_and_sums(checkpoint: Path) -> None:
    result = CliRunner().invoke(command, [str(checkpoint)])
    assert result.exit_code == 0, result.output
    for text in ("block1.layer.0.conv1", "BatchNorm2d", "test_top1 91.25", "1x8x8"):
        assert text in result.output
    params = sum(
        p.numel() for p in build_model("wrn_10_1", num_classes=2, in_channels=1).parameters()
    )
    assert f"{params:,}" in result.output


def test_bare_weights_need_no_normalisation_to_be_counted(tmp_path: Path) -> None:
    path = tmp_path / "bare.pt"
    torch.save(build_model("resnet20", num_classes=100).state_dict(), path)
    assert inspect_model(path, arch="resnet20").summary.macs == 40_818_944


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "give a FILE, or --arch"),
        ({"arch": "resnet21"}, "did you mean"),
        ({"arch": "densenet121", "image_size": 8}, "cannot take a 3x8x8 image"),
        ({"arch": "resnet20", "image_size": 100_000}, "larger than any image"),
        ({"model": "torch.nn:Identity"}, "--image-size is needed"),
    ],
)
def test_what_cannot_be_inspected_is_one_line(options: dict[str, str], match: str) -> None:
    with pytest.raises(UserInputError, match=match) as caught:
        inspect_model(**options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_options_that_contradict_the_file(checkpoint: Path) -> None:
    for option, value in (("num_classes", 3), ("in_channels", 3)):
        with pytest.raises(UserInputError, match="leave the option out"):
            inspect_model(checkpoint, **{option: value})  # type: ignore[arg-type]
