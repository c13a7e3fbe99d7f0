"""`edgeprune verify`: what is right passes, what is wrong is caught and its layer named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from command_line import Ended, complaint, edgeprune
from damaged_graphs import change_tensor, forget_origin

from edgeprune.export.onnx import export_onnx
from edgeprune.models.registry import build_model
from edgeprune.pretrain import pretrain

DIGITS = ("--data", "digits", "--limit", "60")
GRAPHS = ("student.onnx", "student.cpu.fp16.onnx", "student.cpu.int8.onnx")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a student that can tell digits apart, and a graph in each precision."""
    run = tmp_path_factory.mktemp("verify") / "run"
    run.mkdir()
    student = str(run / "student.pt")
    pretrain("wrn_10_1", "digits", student, epochs=4, batch_size=32, device="cpu")
    assert edgeprune("export", run, "--out", run / "student.onnx").code == 0
    for precision in ("fp16", "int8"):
        words = ("export", run, "--precision", precision, "--calibration-data", "digits")
        assert edgeprune(*words, "--max-accuracy-drop", "100").code == 0
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def _process(*arguments: str | Path) -> Ended:
    """The command as a user's shell runs it."""
    words = [sys.executable, "-m", "edgeprune", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def _read(ended: Ended) -> dict[str, Any]:
    found = json.loads(ended.out)
    assert isinstance(found, dict)
    return found


def _one(run: Path, name: str, *more: str) -> tuple[Ended, dict[str, Any], dict[str, Any]]:
    """Verify one graph; how it ended, its figures, and the values inside."""
    ended = edgeprune("verify", run, *DIGITS, "--onnx", run / name, "--json", *more)
    found = _read(ended)
    return ended, found["comparisons"][0], found["divergences"][0]


def test_a_run_of_every_precision_passes(run: Path) -> None:
    ended = _process("verify", run, "--data", "digits", "--json", "--max-accuracy-drop", "5")
    assert ended.code == 0, ended.err
    found = _read(ended)
    assert found == json.loads((run / "verify.json").read_text(encoding="utf-8"))
    assert found["metric_pytorch"] > 80
    assert (found["images"], found["metric_name"], found["misses"]) == (359, "top1_percent", [])
    assert [Path(row["graph"]).name for row in found["comparisons"]] == list(GRAPHS)
    fp32, fp16, int8 = found["comparisons"]
    assert fp32["metric"] == found["metric_pytorch"]
    assert fp32["metric_difference"]["samples"] == 359
    assert fp32["max_abs_error"] < 1e-4 < fp16["max_abs_error"] < int8["max_abs_error"]
    assert fp32["snr_db"] > 100 > fp16["snr_db"] > 50 > int8["snr_db"] > 20
    assert "emulated" in fp16["notes"][0]
    assert fp32["notes"] == int8["notes"] == []
    modules, *values = found["divergences"]
    assert modules["compared_with"] == "pytorch modules"
    assert (len(modules["layers"]), modules["values"]) == (25, 26)
    assert {v["compared_with"] for v in values} == {"fp32 graph"}
    assert {len(v["layers"]) for v in values} == {26}
    assert {d["first"] for d in found["divergences"]} == {None}


def test_the_table_says_it_all_in_80_columns(run: Path) -> None:
    ended = edgeprune("verify", run, *DIGITS, "--max-accuracy-drop", "100")
    assert ended.code == 0, ended.err
    assert max(map(len, ended.out.splitlines())) <= 80
    for text in ("60 test images of digits", "fp32, onnxruntime", "100.00", "rel ", "emulated",
                 "25 of 26 values compared with PyTorch's modules, none below 60 dB"):  # fmt: skip
        assert text in " ".join(ended.out.split())
    assert ended.err.splitlines() == [str(run / "verify.json")]


@pytest.mark.parametrize(
    ("name", "tensor", "layer"),
    [
        ("student.onnx", "conv1.weight", "conv1"),
        ("student.onnx", "block2.layer.0.conv1.weight", "block2.layer.0.conv1"),
        ("student.onnx", "block2.layer.0.conv1.weight_bias", "block2.layer.0.conv1"),
        ("student.onnx", "block3.layer.0.convShortcut.weight", "block3.layer.0.convShortcut"),
        ("student.onnx", "block3.layer.0.bn1.bias", "block3.layer.0.bn1"),
        ("student.onnx", "fc.bias", "fc"),
        ("student.cpu.fp16.onnx", "block2.layer.0.conv2.weight_fp16", "block2.layer.0.conv2"),
        ("student.cpu.int8.onnx", "block2.layer.0.conv1.weight_int8", "block2.layer.0.conv1"),
        ("student.cpu.int8.onnx", "block3.layer.0.conv2.weight_scale", "block3.layer.0.conv2"),
    ],
)
def test_the_layer_with_other_weights_is_named(
    run: Path, name: str, tensor: str, layer: str
) -> None:
    change_tensor(run / name, tensor, lambda values: 3 - 2 * values)
    ended, figures, inside = _one(run, name)
    assert inside["first"]["layer"] == inside["largest_fall"]["layer"] == layer
    assert ended.code == 3
    assert f"{name} on onnxruntime: " in complaint(ended, 3)
    assert figures["misses"]


def test_a_ruined_scale_names_the_layer_that_reads_it(run: Path) -> None:
    change_tensor(run / GRAPHS[2], "relu_3_scale", lambda scale: 0.02 * scale)
    ended = _process("verify", run, *DIGITS, "--onnx", run / GRAPHS[2], "--json")
    (figures,), (inside,) = _read(ended)["comparisons"], _read(ended)["divergences"]
    assert inside["first"]["layer"] == "block2.layer.0.conv2"
    assert inside["largest_fall"]["value"] == inside["first"]["value"]
    line = complaint(ended, 3)
    assert "student.cpu.int8.onnx on onnxruntime: top-1 is " in line
    assert "points below PyTorch's, --max-accuracy-drop allows 0.5 in int8" in line
    assert figures["metric_difference"]["difference"] < -0.5
    assert _read(ended) == json.loads((run / "verify.json").read_text(encoding="utf-8"))


def test_small_faults_of_fp32_are_caught_by_the_outputs(run: Path) -> None:
    change_tensor(run / GRAPHS[0], "fc.bias", lambda bias: bias + 0.01)
    ended, figures, inside = _one(run, GRAPHS[0])
    assert "outputs differ by 1.0e-02, --max-abs-error allows 0.001" in complaint(ended, 3)
    assert figures["agreement_percent"] == 100
    assert inside["first"]["layer"] == "fc"
    assert _one(run, GRAPHS[0], "--max-abs-error", "0.1")[0].code == 0
    assert _one(run, GRAPHS[0], "--max-abs-error", "0.1", "--min-snr", "10")[2]["first"] is None


def test_outputs_that_are_no_numbers_miss_and_are_null(run: Path) -> None:
    change_tensor(run / GRAPHS[0], "fc.bias", lambda bias: bias * float("nan"))
    ended, figures, inside = _one(run, GRAPHS[0])
    assert "outputs are not finite" in complaint(ended, 3)
    assert figures["max_abs_error"] is None
    assert inside["first"]["layer"] == "fc"


def test_a_graph_of_another_tool_is_taken_for_fp32(run: Path) -> None:
    forget_origin(run / GRAPHS[0])
    ended, figures, inside = _one(run, GRAPHS[0])
    assert ended.code == 0, ended.err
    assert figures["precision"] == "fp32"
    assert "another tool" in figures["notes"][0]
    assert (inside["layers"], inside["first"]) == ([], None)


def test_a_recipe_names_the_data_and_a_checkpoint_its_graphs(run: Path) -> None:
    (run / "recipe.yaml").write_text("method: sp_sad\ndata: digits\ntarget_params: 0.5\n")
    (run / "other.onnx").write_bytes(b"not of this checkpoint")
    out = run / "v.json"
    ended = edgeprune("verify", run / "student.pt", *DIGITS, "--max-accuracy-drop", "100", "--out",
                      out, "--json")  # fmt: skip
    assert ended.code == 0, ended.err
    assert len(_read(ended)["comparisons"]) == 3
    assert out.is_file()
    assert not (run / "verify.json").exists()
    (run / "other.onnx").unlink()
    words = ("--limit", "10", "--max-accuracy-drop", "100")
    assert edgeprune("verify", run, *words).code == 0
    assert "give --data" in complaint(edgeprune("verify", run / "student.pt", *words), 2)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--onnx", "nowhere.onnx"], "--onnx nowhere.onnx: no such file"),
        (["--backend", "openvino"], "'openvino' is not one of 'onnxruntime', 'tensorrt'"),
        (["--data", "nonsense"], "--data nonsense: unknown"),
        (["--max-accuracy-drop", "-1"], "give points from 0 to 100"),
        (["--max-abs-error", "-1"], "give 0 or more"),
        (["--out", "nowhere/v.json"], "create it first"),
        (["--backend", "tensorrt-rtx", "--sm", "12345"], "--sm 12345"),
    ],
)
def test_mistakes_are_one_line(run: Path, arguments: list[str], text: str) -> None:
    assert text in complaint(edgeprune("verify", run, *DIGITS, *arguments), 2)
    assert not (run / "verify.json").exists()


def test_no_graph_and_no_data_say_what_to_do(teacher: Path, tmp_path: Path) -> None:
    shutil.copy(teacher, tmp_path / "student.pt")
    assert f"edgeprune export {tmp_path}" in complaint(edgeprune("verify", tmp_path, *DIGITS), 2)
    assert "holds no student.pt" in complaint(edgeprune("verify", tmp_path.parent, *DIGITS), 2)
    assert edgeprune("export", tmp_path).code == 0
    assert "give --data" in complaint(edgeprune("verify", tmp_path), 2)


@pytest.mark.parametrize(
    ("classes", "side", "text"),
    [
        (5, 8, "gives batch x 5, the network batch x 10: it is of another network"),
        (10, 16, "takes batch x 1 x 16 x 16, the network batch x 1 x 8 x 8"),
    ],
)
def test_a_graph_of_another_network_is_refused(
    run: Path, classes: int, side: int, text: str
) -> None:
    network = build_model("wrn_10_1", num_classes=classes, in_channels=1)
    export_onnx(network, torch.randn(2, 1, side, side), run / "student.onnx")
    assert text in complaint(edgeprune("verify", run, *DIGITS), 2)


@pytest.mark.parametrize(("batch", "code"), [(1, 0), (4, 2)])
def test_a_graph_with_a_fixed_batch_runs_one_by_one_or_is_refused(
    run: Path, batch: int, code: int
) -> None:
    model = onnx.load(run / GRAPHS[0])
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    (run / GRAPHS[0]).write_bytes(model.SerializeToString())
    ended = edgeprune("verify", run, *DIGITS, "--onnx", run / GRAPHS[0])
    assert ended.code == code, ended.err
    if code:
        assert "takes batches of 4 alone" in complaint(ended, code)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("letters", "the network has no output for 10 of the data's 10 classes"),
        ("in_colour", "images have 3 channel(s)"),
        ("failing_data", "the factory failed: RuntimeError: first line"),
    ],
)
def test_data_that_does_not_fit_is_refused(run: Path, name: str, text: str) -> None:
    assert text in complaint(edgeprune("verify", run, "--data", f"odd_user_code:{name}"), 2)


def test_half_of_the_classes_are_found_by_name(run: Path) -> None:
    words = ("--data", "odd_user_code:five_digits", "--max-accuracy-drop", "100", "--json")
    ended = edgeprune("verify", run, *words)
    assert ended.code == 0, ended.err
    assert _read(ended)["images"] == 60


@pytest.mark.parametrize("kept", [0, 10, 1000, 100_000])
def test_a_damaged_file_is_named(run: Path, kept: int) -> None:
    path = run / GRAPHS[0]
    path.write_bytes(path.read_bytes()[:kept])
    assert f"{path}" in complaint(edgeprune("verify", run, *DIGITS), 2)


def test_an_engine_that_cannot_run_here_is_built_and_said_to_be(run: Path) -> None:
    pytest.importorskip("tensorrt_rtx")
    words = ("verify", run, *DIGITS, "--onnx", run / GRAPHS[0], "--sm", "86", "--json")
    ended = edgeprune(*words, "--backend", "tensorrt-rtx")
    assert "nothing was compared: TensorRT-RTX" in complaint(ended, 5)
    (row,) = _read(ended)["comparisons"]
    assert (row["status"], row["metric"]) == ("built", None)
    assert (run / "student.tensorrt-rtx.engine").stat().st_size > 10_000
    both = edgeprune(*words, "--backend", "onnxruntime", "--backend", "tensorrt-rtx")
    assert both.code == 0, both.err
    assert [r["status"] for r in _read(both)["comparisons"]] == ["compared", "built"]


def test_a_backend_that_is_not_here_ends_with_5(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    words = ("--onnx", run / GRAPHS[0], "--backend", "onnxruntime", "--backend", "tensorrt")
    ended = edgeprune("verify", run, *DIGITS, *words, "--json")
    assert "student.onnx on tensorrt: not built" in complaint(ended, 5)
    assert [r["status"] for r in _read(ended)["comparisons"]] == ["compared", "unsupported"]
