"""A budget's meter over ssh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from board_standin import BoardServer
from torch import nn

from edgeprune.deploy.board_meter import board_meter
from edgeprune.deploy.ssh import SshOptions
from edgeprune.export.onnx import export_onnx


def test_networks_are_timed_on_a_board_at_the_other_end_of_ssh(
    server: BoardServer, tmp_path: Path
) -> None:
    graphs = {"dense": tmp_path / "dense.onnx", "pruned": tmp_path / "pruned.onnx"}
    for path, width in zip(graphs.values(), (64, 16), strict=True):
        network = nn.Sequential(nn.Conv2d(3, width, 1), nn.Conv2d(width, width, 3))
        export_onnx(network.eval(), torch.zeros(2, 3, 32, 32), path)
    meter = board_meter(
        "cpu", server.host, ssh=SshOptions(config=server.config), threads=1, repeats=3
    )
    assert "Orin Nano" in meter.identity["target"]
    found = meter.measure(graphs)
    ratio = np.array(found["pruned"].latency_ms) / found["dense"].latency_ms
    assert len(ratio) == 3
    assert np.median(ratio) < 0.8
