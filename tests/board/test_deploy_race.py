"""`edgeprune deploy --sparse` to a board where sparse layers lose: dense again, and told."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from board_deploy import (
    at,
    board_folder,
    check_nothing_half_written,
    deploy,
    result,
    results,
)
from board_standin import BoardServer
from command_line import complaint
from pruned_run import pruned_run

# Of maps of 8x8 pixels a dense convolution takes some microseconds, and calling ours through
# Python takes several times that: whatever else a machine does, these lose.
_LAYERS = "block1.layer.0.conv1,block2.layer.0.conv2"
_COPY = ("--sparse", _LAYERS, "--no-benchmark")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Of a student whose masks leave a twentieth of the weights."""
    return pruned_run(tmp_path / "run", zeros=0.95) / "student.pt"


def test_what_loses_goes_back_after_a_deploy_that_was_cut(
    server: BoardServer, checkpoint: Path
) -> None:
    ended = deploy(server, checkpoint, *_COPY, hear=at("going back to dense", server.stop))
    assert "the connection was lost" in complaint(ended, 5)
    assert results(checkpoint) == []
    server.start()
    ended = deploy(server, checkpoint, *_COPY)
    assert ended.code == 0, ended.err
    assert "what was decided holds" in ended.err, "the last try had found out"
    assert "racing" not in ended.err
    found = result(checkpoint)
    race = found["race"]
    assert sorted(race["back"]) == sorted(_LAYERS.split(","))
    assert race["unknown"] == []
    assert [layer for one in race["comparisons"] for layer in one["layers"]] == _LAYERS.split(",")
    assert race["profiler"] == "ONNX Runtime's profiler"
    assert found["verify"]["student"]["max_abs_error"] == 0
    student = onnx.load(_bundle_there(server) / "student.onnx")
    assert "SparseConv2d" not in {node.op_type for node in student.graph.node}
    assert "dense again" in ended.out
    assert "2 of 2 sparse layers went back to dense" in ended.out
    check_nothing_half_written(server, checkpoint)


def _bundle_there(server: BoardServer) -> Path:
    return (board_folder(server) / "current").resolve()
