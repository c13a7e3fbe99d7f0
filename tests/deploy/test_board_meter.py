"""The meter for boards, on this machine in the place of one and over ssh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.deploy.agent import AgentError
from edgeprune.deploy.board_meter import BoardMeter
from edgeprune.deploy.request import DeployRequest
from edgeprune.device.bench.protocol import Protocol
from edgeprune.errors import UserInputError
from edgeprune.export.onnx import export_onnx

_REQUEST = DeployRequest(
    target="cpu",
    runtime="onnxruntime",
    threads=1,
    protocol=Protocol(repeats=3, seconds=0.02, slice_s=0.01, warmup_s=0.1),
    energy="off",
)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One deploy at a time is allowed on a machine: this one has its own."""
    monkeypatch.setenv("EDGEPRUNE_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("graphs")
    found = {}
    for name, width in (("dense", 64), ("block1.conv1@16", 16)):
        found[name] = folder / f"{width}.onnx"
        network = nn.Sequential(nn.Conv2d(3, width, 1), nn.Conv2d(width, width, 3))
        export_onnx(network.eval(), torch.zeros(2, 3, 32, 32), found[name])
    return found


def test_the_agent_times_what_it_is_sent(graphs: dict[str, Path]) -> None:
    meter = BoardMeter(_REQUEST)
    found = meter.measure(graphs)
    assert list(found) == list(graphs)
    ratio = np.array(found["block1.conv1@16"].latency_ms) / found["dense"].latency_ms
    assert len(ratio) == 3
    assert np.median(ratio) < 0.8
    assert meter.onnx_target == "cpu"
    assert meter.identity["target"].startswith("this machine: ")
    assert "ONNX Runtime 1." in meter.identity["runtime"]


def test_a_graph_that_does_not_run_there_is_told(tmp_path: Path, graphs: dict[str, Path]) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(graphs["dense"].read_bytes()[:-2000])
    with pytest.raises(AgentError, match="this machine: "):
        BoardMeter(_REQUEST).measure({"dense": graphs["dense"], "pruned": damaged})


def test_an_unknown_target_is_refused_before_anything_is_connected() -> None:
    with pytest.raises(UserInputError, match="--target nano"):
        BoardMeter(DeployRequest(target="nano"))
