from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.onnxruntime_profile import profile_nodes
from edgeprune.errors import EdgepruneError
from edgeprune.export.layer_times import layer_times
from edgeprune.export.onnx import export_onnx

_FEED = {"input": np.zeros((1, 8, 16, 16), np.float32)}


class Block(nn.Module):
    """A convolution with a folded norm, one without, a norm that stays, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(8)
        self.wide = nn.Conv2d(8, 64, 3, padding=1, bias=False)
        self.folded = nn.BatchNorm2d(64)
        self.narrow = nn.Conv2d(64, 8, 1)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.narrow(torch.relu(self.folded(self.wide(torch.relu(self.norm(x))))))
        logits: Tensor = self.fc(torch.relu(x + y).mean((2, 3)))
        return logits


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = Block()
    for norm in (model.norm, model.folded):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    target = tmp_path_factory.mktemp("block") / "block.onnx"
    return export_onnx(model, torch.randn(2, 8, 16, 16), target).path


def test_times_carry_the_names_of_the_modules(path: Path) -> None:
    times = layer_times(path, _FEED, repeats=5, threads=1)
    names = [layer.name for layer in times]
    assert {"wide", "narrow", "fc", "norm"} <= set(names)
    assert "folded" not in names
    assert len(names) == len(set(names))


def test_shares_add_up_and_fall(path: Path) -> None:
    times = layer_times(path, _FEED, repeats=5, threads=1)
    shares = [layer.share for layer in times]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    total = sum(layer.p50_ms for layer in times)
    assert times[0].share == pytest.approx(times[0].p50_ms / total)


def test_every_node_is_timed_once_and_no_file_is_left(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nodes = profile_nodes(path, _FEED, warmup=1, repeats=2, threads=1)
    assert len(nodes) == len({(node.name, node.op) for node in nodes})
    assert any(node.op == "Gemm" for node in nodes)
    assert all(node.p50_ms >= 0 for node in nodes)
    assert not list(tmp_path.iterdir())


def test_unusable_files_are_one_line(path: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgepruneError, match="no such file"):
        layer_times(tmp_path / "absent.onnx", _FEED)
    with pytest.raises(EdgepruneError, match="refuses the inputs"):
        layer_times(path, {"input": np.zeros((1, 3, 4, 4), np.float32)})
    with pytest.raises(DeviceError, match="no such file"):
        profile_nodes(tmp_path / "absent.onnx", _FEED)
