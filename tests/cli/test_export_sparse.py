"""`edgeprune export --sparse`: which layers, how many bytes, and the same outputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from command_line import complaint, edgeprune

from edgeprune.device.latency import measure_interleaved
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.sparse.node import OP_TYPE
from edgeprune.export.metadata import read_metadata
from edgeprune.pretrain import pretrain


def _masked(source: Path, path: Path) -> Path:
    """The model with the largest 8 % of the weights of its 3x3 convolutions."""
    held = torch.load(source, weights_only=True)
    for weight in held["state_dict"].values():
        if weight.dim() == 4 and weight.shape[-1] == 3:
            least = weight.abs().flatten().kthvalue(int(0.92 * weight.numel())).values
            weight[weight.abs() <= least] = 0
    torch.save(held, path)
    return path


@pytest.fixture(scope="session")
def masked(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The teacher with a mask."""
    return _masked(teacher, tmp_path_factory.mktemp("masked") / "masked.pt")


def _sparse_nodes(path: Path) -> list[onnx.NodeProto]:
    return [node for node in onnx.load(path).graph.node if node.op_type == OP_TYPE]


def test_auto_takes_the_masked_layers(masked: Path) -> None:
    ended = edgeprune("export", masked, "--sparse", "auto", "--data", "digits", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    path = masked.with_name("masked.cpu.sparse.onnx")
    assert Path(found["path"]) == path
    assert found["max_abs_error"] <= 1e-4
    report = found["sparse"]
    assert report["max_abs_error"] <= 1e-4
    assert report["bytes_sparse"] == found["bytes"] == path.stat().st_size
    assert report["bytes_sparse"] < 0.5 * report["bytes_dense"]
    chosen = [layer for layer in report["layers"] if layer["sparse"]]
    assert len(chosen) == len(_sparse_nodes(path)) == 7
    for layer in chosen:
        assert layer["density"] <= 0.09
        assert layer["bytes_sparse"] < 0.4 * layer["bytes_dense"]
        assert layer["vector"] == 1
        assert "at most" in layer["reason"]
    assert read_metadata(path)["sparse_layers"] == [layer["name"] for layer in chosen]
    assert read_metadata(path)["arch"] == "wrn_10_1"


def test_layers_by_name_in_fp16_for_a_board(masked: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    ended = edgeprune(
        "export", masked, "--target", "jetson-orin", "--precision", "fp16", "--sparse",
        "block3.*.conv?", "--out", out,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "sparse: 2 of 9 convolutions" in ended.out
    assert "block1.layer.0.conv1: dense, not named" in ended.out
    assert len(_sparse_nodes(out)) == 2
    assert read_metadata(out)["precision"] == "fp16"


def test_int8_layers_stay_and_say_so(masked: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    int8 = ("--precision", "int8", "--calibration-data", "digits", "--calibration-samples", "64",
            "--calibration", "min-max", "--max-accuracy-drop", "100")  # fmt: skip
    ended = edgeprune("export", masked, *int8, "--sparse", "auto", "--out", out, "--json")
    assert ended.code == 0, ended.err
    layers = {layer["name"]: layer for layer in json.loads(ended.out)["sparse"]["layers"]}
    assert "INT8" in layers["block2.layer.0.conv1"]["reason"]
    assert not layers["block2.layer.0.conv1"]["sparse"]
    written = out.read_bytes()
    ended = edgeprune("export", masked, *int8, "--sparse", "block2.layer.0.conv1", "--out", out)
    assert "INT8" in complaint(ended, 5)
    assert out.read_bytes() == written


def test_a_dense_network_stays_dense(teacher: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    ended = edgeprune("export", teacher, "--sparse", "auto", "--out", out)
    assert ended.code == 0, ended.err
    assert "sparse: 0 of 9 convolutions, 100% of the dense file's bytes" in ended.out
    assert "more than" in ended.out
    assert not _sparse_nodes(out)


def test_a_layer_that_is_not_there_is_told(teacher: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    ended = edgeprune("export", teacher, "--sparse", "block1.layer.0.conv9", "--out", out)
    assert "did you mean block1.layer.0.conv" in complaint(ended, 2)
    assert not list(tmp_path.iterdir())


def test_a_sparse_wrn_16_2_is_small_exact_verified_and_timed(tmp_path: Path) -> None:
    dense = tmp_path / "dense.pt"
    pretrain("wrn_16_2", "digits", str(dense), epochs=1, device="cpu", train_limit=64)
    source = _masked(dense, tmp_path / "student.pt")
    sparse = tmp_path / "student.cpu.sparse.onnx"
    ended = edgeprune("export", source, "--sparse", "auto", "--data", "digits", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert (found["max_abs_error"] <= 1e-4, found["sparse"]["runtime"]) == (True, "ONNX Runtime")
    assert found["bytes"] == sparse.stat().st_size <= 0.3 * found["sparse"]["bytes_dense"]
    assert sum(layer["sparse"] for layer in found["sparse"]["layers"]) == 13
    ended = edgeprune(
        "verify", source, "--onnx", sparse, "--data", "digits", "--limit", "40", "--json"
    )
    assert ended.code == 0, ended.err
    (row,) = json.loads(ended.out)["comparisons"]
    assert row["max_abs_error"] <= 1e-4
    feed = {"input": np.zeros((1, 1, 8, 8), np.float32)}
    times = measure_interleaved({"sparse": OnnxRuntimeRunner(sparse)}, feed, warmup=1, repeats=3)
    assert times["sparse"].p50_ms > 0
