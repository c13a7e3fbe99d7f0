"""`edgeprune build`: an engine, the reason why it was built, and one line for every mistake."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import signal
from pathlib import Path

import onnx
import pytest
from command_line import complaint, edgeprune
from onnx import TensorProto, helper
from standin_trtexec import write_trtexec

from edgeprune.cli.build_progress import BuildBars
from edgeprune.device.tensorrt.trtexec import find_trtexec

RTX = ("--backend", "tensorrt-rtx", "--sm", "86")


@pytest.fixture(scope="module")
def exported(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The teacher as ONNX."""
    path = tmp_path_factory.mktemp("exported") / "teacher.onnx"
    assert edgeprune("export", teacher, "--target", "rtx", "--out", path).code == 0
    return path


def test_an_engine_is_built_once(exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "teacher.engine"
    first = edgeprune("build", exported, *RTX, "--out", out)
    assert first.code == 0, first.err
    assert "(there was none)" in first.out
    again = edgeprune("build", exported, *RTX, "--out", out)
    assert "as it was" in again.out
    other = edgeprune("build", exported, *RTX, "--out", out, "--batch", "1:2:4", "--json")
    found = json.loads(other.out)
    assert found["built"] == "other batch sizes are asked for"
    assert found["plan_bytes"] == out.stat().st_size


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--backend", "tensorrt-rtx", "--sm", "87"], 2, "builds for"),
        ([*RTX, "--batch", "8"], 2, "write MIN:USUAL:MAX"),
        ([*RTX, "--batch", "4:2:1"], 2, "ascending"),
        ([*RTX, "--plugin", "nowhere.so"], 2, "nowhere.so: no such file"),
        ([*RTX, "--tactic-sources", "CUDNN"], 2, "--tactic-sources CUDNN: TensorRT-RTX"),
        ([*RTX, "--tactic-sources", ","], 2, "write names, such as CUBLAS"),
        ([*RTX, "--trtexec", "t"], 2, "--trtexec t: builds for --backend tensorrt alone"),
        (["--trtexec", "nowhere"], 2, "--trtexec nowhere: no such file"),
    ],
)
def test_mistakes_are_one_line(
    exported: Path, tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    ended = edgeprune("build", exported, *arguments, "--out", tmp_path / "m.engine")
    assert text in complaint(ended, code)
    assert not list(tmp_path.iterdir())


def test_new_settings_build_and_count(exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "teacher.engine"
    assert edgeprune("build", exported, *RTX, "--out", out).code == 0
    for option, reason in (
        (["--sparse-weights"], "sparse weights are asked for otherwise"),
        (["--tactic-sources", "JIT_CONVOLUTIONS"], "sparse weights are asked for otherwise"),
    ):
        ended = edgeprune("build", exported, *RTX, *option, "--out", out)
        assert ended.code == 0, ended.err
        assert reason in ended.out


def test_an_interrupt_ends_the_build_and_leaves_nothing(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[int] = []

    def press(_bars: BuildBars, _phase: str, _done: int) -> None:
        if not pressed:  # a second press would end this process at once
            pressed.append(1)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(BuildBars, "step", press)
    ended = edgeprune("build", exported, *RTX, "--out", tmp_path / "m.engine")
    assert (ended.code, pressed) == (130, [1])
    assert "Traceback" not in ended.err
    assert not list(tmp_path.iterdir())


def test_bars_follow_phases_that_nest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    err = io.StringIO()
    with contextlib.redirect_stderr(err), BuildBars() as bars:
        bars.start("Building", None, 2)
        bars.start("Choosing kernels", "Building", 4)
        bars.step("Choosing kernels", 3)
        bars.step("of no phase", 1)
        bars.end("Choosing kernels")
        bars.end("Building")
        bars.end("Building")
        bars.start("Again", None, 1)
    assert "Again" in err.getvalue()


def test_a_folder_that_is_not_there_is_one_line(exported: Path, tmp_path: Path) -> None:
    ended = edgeprune("build", exported, *RTX, "--out", tmp_path / "no" / "m.engine")
    assert "there is no folder" in complaint(ended, 2)


def test_trtexec_builds_where_it_is_asked_for(exported: Path, tmp_path: Path) -> None:
    program, out = write_trtexec(tmp_path), tmp_path / "m.engine"
    ended = edgeprune("build", exported, "--trtexec", program, "--out", out)
    assert ended.code == 0, ended.err
    assert "trtexec of TensorRT 10.3.0, built in" in ended.out
    assert "warns: a cast was clamped" in ended.err
    failing = write_trtexec(tmp_path, body="os.kill(os.getpid(), signal.SIGKILL)")
    ended = edgeprune("build", exported, "--trtexec", failing, "--no-tf32", "--out", out)
    assert "was killed, most often because memory ran out" in complaint(ended, 5)


def test_without_any_builder_the_remedy_is_told(exported: Path, tmp_path: Path) -> None:
    if find_trtexec() is not None or importlib.util.find_spec("tensorrt") is not None:
        pytest.skip("TensorRT is installed here")
    ended = edgeprune("build", exported, "--out", tmp_path / "m.engine")
    line = complaint(ended, 5)
    assert "it comes with JetPack" in line
    assert "no trtexec either" in line


def test_an_unknown_operator_is_one_line(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 3]) for n in "xy"]
    node = helper.make_node("Twirl", ["x"], ["y"], name="stage1/twirl", domain="own")
    graph = helper.make_graph([node], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("own", 1)]),
              tmp_path / "m.onnx")  # fmt: skip
    line = complaint(edgeprune("build", tmp_path / "m.onnx", *RTX), 5)
    assert "stage1/twirl" in line
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_a_missing_model_is_one_line(tmp_path: Path) -> None:
    ended = edgeprune("build", tmp_path / "nowhere.onnx", *RTX)
    assert "nowhere.onnx: no such file" in complaint(ended, 2)
