"""`edgeprune export --precision`: what is written, measured, said and refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest
from command_line import complaint, edgeprune
from onnx import TensorProto

from edgeprune.export.metadata import read_metadata


def held_types(path: Path) -> set[int]:
    """Element types of the weights."""
    return {
        tensor.data_type for tensor in onnx.load(path).graph.initializer if len(tensor.dims) > 1
    }


def test_fp16_for_a_board(teacher: Path, tmp_path: Path) -> None:
    source = tmp_path / "teacher.pt"
    shutil.copy(teacher, source)
    ended = edgeprune(
        "export", source, "--target", "jetson-orin", "--precision", "fp16",
        "--calibration-data", "digits", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    path = tmp_path / "teacher.jetson-orin.fp16.onnx"
    assert Path(found["path"]) == path
    assert found["bytes"] == path.stat().st_size
    assert held_types(path) == {TensorProto.FLOAT16}
    precision = found["precision"]
    assert abs(precision["metric"] - precision["metric_fp32"]) <= 0.7
    assert precision["noise_db"] > 35
    notes = read_metadata(path)
    assert notes["precision"] == "fp16"
    assert len(notes["fp32_nodes"]) == sum(precision["kept_fp32"].values())


def test_int8_holds_the_accuracy(teacher: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    ended = edgeprune(
        "export", teacher, "--target", "rtx", "--precision", "int8", "--calibration-data",
        "digits", "--calibration-samples", "128", "--max-accuracy-drop", "1", "--out", out,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert TensorProto.INT8 in held_types(out)
    for said in ("int8: ", "validation top-1", "INT8 in", "scales by", "costliest alone"):
        assert said in ended.out
    built = edgeprune("build", out, "--backend", "tensorrt-rtx", "--sm", "86")
    assert built.code == 0, built.err


def test_a_run_brings_its_own_data(teacher: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(teacher, run / "student.pt")
    recipe = ["method: sp_sad", "preset: quick", "data: digits", "seed: 0", "target_params: 0.4"]
    (run / "recipe.yaml").write_text("\n".join(recipe) + "\n")
    ended = edgeprune("export", run, "--precision", "int8", "--calibration", "min-max", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["precision"]["calibration"] == "min-max"
    assert (run / "student.cpu.int8.onnx").exists()
    (run / "recipe.yaml").write_text("\n".join(recipe).replace("digits", "imagefolder:gone"))
    ended = edgeprune("export", run, "--precision", "int8")
    assert complaint(ended, 2).endswith("give --calibration-data")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--precision", "int8"), 2, "give --calibration-data"),
        (("--precision", "int4"), 2, "int4"),
        (("--precision", "int8", "--calibration-data", "fashion-mnist:none"), 2, "none"),
        (("--precision", "int8", "--calibration-data", "digits", "--image-size", "16",), 2, "8x8"),
        (("--precision", "int8", "--calibration", "best", "--calibration-data", "digits"), 2,
         "--calibration best: use entropy, percentile, min-max, mse, auto"),
        (("--precision", "int8", "--max-accuracy-drop", "-1"), 2, "points from 0 to 100"),
        (("--precision", "int8", "--calibration-samples", "0"), 2, "1 or more"),
        (("--precision", "int8", "--target", "rtx", "--opset", "18", "--calibration-data",
          "digits"), 5, "since opset 19"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(
    teacher: Path, tmp_path: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    out = tmp_path / "m.onnx"
    out.write_bytes(b"what was there")
    ended = edgeprune("export", teacher, *options, "--out", out)
    assert said in complaint(ended, code)
    assert out.read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
