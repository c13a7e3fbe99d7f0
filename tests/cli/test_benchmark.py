"""`edgeprune benchmark`: figures with their conditions, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from board_standin import board_tree
from command_line import complaint, edgeprune
from onnx import TensorProto, helper

import edgeprune as package
from edgeprune.device.bench.protocol import Protocol

QUICKLY = ("--repeats", "3", "--seconds", "0.02", "--warmup", "0.1", "--threads", "1")


def _graph(path: Path, shape: list[object]) -> Path:
    kind = TensorProto.FLOAT
    infos = [helper.make_tensor_value_info(name, kind, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", infos[:1], infos[1:])
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def run(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    out = tmp_path_factory.mktemp("bench") / "run"
    ended = edgeprune(
        "compress", teacher, "--method", "sp_sad", "--data", "digits", "--preset", "quick",
        "--epochs", "3", "--target-params", "0.5", "--set", "train_limit=192", "--out", out,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    return out


def test_a_run_is_compared_with_its_dense_network(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "found.json"
    ended = edgeprune("benchmark", run, *QUICKLY, "--json", "--out", page)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found == json.loads(page.read_text(encoding="utf-8"))
    dense, student = found["models"]
    assert (dense["name"], student["name"]) == ("dense", "student")
    assert len(student["repeats_p50_ms"]) == 3
    assert 0 < student["p50_ms"] <= student["p90_ms"] <= student["p99_ms"]
    ratio = found["ratios"]["student"]
    assert ratio["low"] <= ratio["ratio"] <= ratio["high"]
    assert ratio["is_clear"] == (ratio["low"] > 1 or ratio["high"] < 1)
    assert found["runtime"].startswith("ONNX Runtime 1.")
    assert found["protocol"]["repeats"] == 3
    assert found["before"]["cores"] >= 1
    assert (found["energy"], found["energy_run"]) == (None, None)
    assert found["energy_reason"] == "not asked for; --energy measures it"


def test_files_are_compared_with_the_first_in_a_table(tmp_path: Path) -> None:
    first = _graph(tmp_path / "first.onnx", ["batch", 3, 8, 8])
    second = _graph(tmp_path / "second.onnx", ["batch", 3, 8, 8])
    ended = edgeprune("benchmark", first, second, *QUICKLY, "--batch", "4", "--rate", "500")
    assert ended.code == 0, ended.err
    assert "× first" in ended.out
    assert "batch 4, requests 500 a second" in " ".join(ended.out.split())


def test_a_rate_that_is_too_high_is_told(tmp_path: Path) -> None:
    slow = _graph(tmp_path / "slow.onnx", [1, 64, 256, 256])
    ended = edgeprune("benchmark", slow, *QUICKLY, "--rate", "100000")
    assert ended.code == 0, ended.err
    assert "it cannot keep up this rate" in ended.out


def test_from_python(tmp_path: Path) -> None:
    graph = _graph(tmp_path / "one.onnx", [1, 3, 8, 8])
    protocol = Protocol(repeats=3, seconds=0.02, warmup_s=0.1)
    found = package.benchmark([graph], threads=1, protocol=protocol)
    assert [model.name for model in found.models] == ["one"]
    assert found.ratios == {}


ENERGY = ("--energy", "--energy-seconds", "0.2", "--energy-repeats", "2", "--idle", "0.2")


def test_energy_on_a_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a constant 8 W every joule is 8 W times the time, and net is nothing."""
    tree = board_tree(tmp_path / "board", "orin-nano")
    tree.set_power(VDD_IN=8000)
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tree.root))
    monkeypatch.setenv("PATH", str(tree.programs), prepend=":")
    graph = _graph(tmp_path / "one.onnx", [1, 3, 32, 32])
    for _ in range(5):  # a busy machine may void some
        ended = edgeprune("benchmark", graph, *QUICKLY, *ENERGY, "--json")
        found = json.loads(ended.out)
        if found["energy"] is not None:
            break
        assert "the energy run is void: " in complaint(ended, 1)
    assert ended.code == 0, ended.err
    assert found["energy_reason"] == ""
    run = found["energy_run"]
    assert (run["sensor"], run["scope"]) == ("ina", "module")
    assert run["idle"]["before_w"] == pytest.approx(8.0)
    assert run["protocol"]["window_s"] == 0.2
    assert found["before"]["power_mode"] == "15W"
    for loads in found["energy"].values():
        for cost in loads.values():
            assert cost["mean_w"] == pytest.approx(8.0, rel=0.01)
            assert cost["gross_j"] > 0
            assert abs(cost["net_j"]) < 1e-6
    assert run["ratios"] == {"fastest": {}, "rate": {}}


def test_energy_without_a_sensor_ends_before_anything_is_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tmp_path))
    graph = _graph(tmp_path / "one.onnx", [1, 3, 8, 8])
    ended = edgeprune("benchmark", graph, *QUICKLY, "--energy")
    assert "no power sensor answers here; tried rapl: no RAPL counters" in complaint(ended, 5)
    assert "warming up" not in ended.err
    ended = edgeprune("benchmark", graph, *QUICKLY, "--energy", "--power-sensor", "ina")
    assert "tried ina: no INA3221" in complaint(ended, 5)
    ended = edgeprune("benchmark", graph, *QUICKLY, "--energy", "--energy-repeats", "1")
    assert "use 2 or more" in complaint(ended, 2)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--repeats", "2"], 2, "--repeats 2: use 3 or more"),
        (["--seconds", "0"], 2, "use more than 0"),
        (["--rate", "-1"], 2, "--rate -1.0: use more than 0"),
        (["--pause", "-1"], 2, "--pause -1.0"),
        (["--batch", "2"], 2, "takes batches of 1 only; use --batch 1"),
        (["--out", "nowhere/found.json"], 2, "there is no folder nowhere"),
    ],
)
def test_settings_out_of_range_are_one_line(
    tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    graph = _graph(tmp_path / "one.onnx", [1, 3, 8, 8])
    assert said in complaint(edgeprune("benchmark", graph, *options), code)


def test_sources_that_are_none_are_one_line(tmp_path: Path) -> None:
    assert "no such file or run folder" in complaint(edgeprune("benchmark", tmp_path / "x"), 2)
    assert "holds no finished run" in complaint(edgeprune("benchmark", tmp_path), 2)
    other = tmp_path / "other"
    other.mkdir()
    pair = [_graph(folder / "same.onnx", [1, 3, 8, 8]) for folder in (tmp_path, other)]
    assert "two of the name same" in complaint(edgeprune("benchmark", *pair), 2)
    free = _graph(tmp_path / "free.onnx", ["batch", 3, "height", 8])
    assert "only the first axis" in complaint(edgeprune("benchmark", free), 2)
    (tmp_path / "broken.onnx").write_bytes(b"\0" * 100)
    assert "broken.onnx" in complaint(edgeprune("benchmark", tmp_path / "broken.onnx"), 2)
