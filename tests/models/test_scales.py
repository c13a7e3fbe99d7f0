"""Learned input scales in a checkpoint: plain, checked, and optional."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import CorruptFileError
from edgeprune.models.checkpoint import (
    Checkpoint,
    checkpoint_of,
    load_checkpoint,
    restore_model,
    save_checkpoint,
)
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.registry import build_model

_SCALES = {"block1.layer.0.conv1": 0.03125, "block3.layer.0.conv2": 0.1}


def _described(scales: dict[str, float] | None) -> Checkpoint:
    arguments = {"num_classes": 3, "in_channels": 1}
    return checkpoint_of(
        build_model("wrn_10_1", **arguments),
        arch="wrn_10_1",
        arch_args=arguments,
        preprocessing=Preprocessing((0.3,), (0.4,), (8, 8), 1),
        quantization=scales,
    )


def test_scales_come_back_by_module_path(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    save_checkpoint(path, _described(_SCALES))
    content = torch.load(path, weights_only=True)
    assert content["quantization"] == {name: {"input_scale": s} for name, s in _SCALES.items()}
    assert load_checkpoint(path).quantization == _SCALES
    loaded = load_model(path, ModelOptions())
    assert loaded.quantization == _SCALES
    assert "conv1.weight" in loaded.module.state_dict()


def test_a_file_without_them_is_what_it_always_was(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    save_checkpoint(path, _described(None))
    assert "quantization" not in torch.load(path, weights_only=True)
    assert load_checkpoint(path).quantization is None
    assert load_model(path, ModelOptions()).quantization is None


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"conv1": 0.5},
        {"conv1": {}},
        {"conv1": {"input_scale": 0.5, "more": 1.0}},
        {3: {"input_scale": 0.5}},
        *(
            {"conv1": {"input_scale": scale}}
            for scale in (0.0, -1.0, float("nan"), float("inf"), 1, True, "0.5", torch.ones(()))
        ),
    ],
    ids=str,
)
def test_anything_else_is_refused(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "m.pt"
    torch.save({**_described(None).as_dict(), "quantization": value}, path)
    with pytest.raises(CorruptFileError, match="'quantization'"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", ["nowhere", "bn1", "block1", "", "conv1.weight"])
def test_scales_of_no_layer_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.pt"
    save_checkpoint(path, _described({name: 0.5}))
    with pytest.raises(CorruptFileError, match="no convolution or linear layer") as caught:
        restore_model(load_checkpoint(path))
    assert str(path) in str(caught.value)
    with pytest.raises(CorruptFileError):
        load_model(path, ModelOptions())


def test_a_useless_scale_is_not_written(tmp_path: Path) -> None:
    broken = dataclasses.replace(_described(_SCALES), quantization={"conv1": float("nan")})
    with pytest.raises(ValueError, match="quantization"):
        save_checkpoint(tmp_path / "m.pt", broken)
    assert not list(tmp_path.iterdir())
