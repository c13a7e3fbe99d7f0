"""`edgeprune export`: the right graph for a board, checked before it is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest
import torch
from command_line import complaint, edgeprune

from edgeprune.export import files
from edgeprune.export.metadata import read_metadata


@pytest.mark.parametrize(
    ("target", "jetpack", "opset", "ir_version", "tensorrt"),
    [
        ("cpu", None, 18, 8, None),
        ("rtx", None, 20, 9, None),
        ("jetson-xavier", None, 17, 8, "8.5.2"),
        ("jetson-orin", "6.0", 17, 8, "8.6.2"),
        ("jetson-orin", None, 20, 9, "10.3"),
        ("jetson-thor", "7", 24, 12, "10.13"),
    ],
)
def test_a_target_gets_its_opset(
    teacher: Path,
    tmp_path: Path,
    target: str,
    jetpack: str | None,
    opset: int,
    ir_version: int,
    tensorrt: str | None,
) -> None:
    out = tmp_path / "m.onnx"
    release = () if jetpack is None else ("--jetpack", jetpack)
    ended = edgeprune("export", teacher, "--target", target, *release, "--out", out, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert (found["opset"], found["tensorrt"]) == (opset, tensorrt)
    assert found["max_abs_error"] <= 1e-4
    model = onnx.load(out)
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import if not entry.domain] == [opset]
    assert model.ir_version == ir_version
    assert read_metadata(out)["target"] == target
    assert len(read_metadata(out)["classes"]) == 10


def test_a_run_folder_stands_for_its_student(teacher: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(teacher, run / "student.pt")
    ended = edgeprune("export", run, "--target", "jetson-orin", "--data", "digits")
    assert ended.code == 0, ended.err
    assert "opset 20, for jetson-orin (JetPack 6, TensorRT 10.3)" in ended.out
    assert "on digits" in ended.out
    assert sorted(p.name for p in run.iterdir()) == ["student.jetson-orin.onnx", "student.pt"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--target", "jetson-nano"], "use cpu, rtx, jetson-orin"),
        (["--target", "jetson-xavier", "--jetpack", "6"], "for jetson-xavier there is 5"),
        (["--jetpack", "6"], "leave it out"),
        (["--in-channels", "3"], "leave the option out"),
        (["--out", "nowhere/m.onnx"], "create it first"),
    ],
)
def test_mistakes_are_one_line(teacher: Path, arguments: list[str], text: str) -> None:
    assert text in complaint(edgeprune("export", teacher, *arguments), 2)


def test_an_empty_folder_and_an_old_opset_are_refused(teacher: Path, tmp_path: Path) -> None:
    assert "holds no student.pt" in complaint(edgeprune("export", tmp_path), 2)
    ended = edgeprune("export", teacher, "--opset", "13", "--out", tmp_path / "m.onnx")
    assert "17 or newer" in complaint(ended, 5)
    assert not list(tmp_path.iterdir())


def test_a_file_that_fails_its_check_does_not_replace_another(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(*_: object) -> float:
        raise RuntimeError("other outputs")

    out = tmp_path / "m.onnx"
    out.write_bytes(b"old")
    monkeypatch.setattr(files, "onnx_max_abs_error", differs)
    assert edgeprune("export", teacher, "--out", out).code == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    assert out.read_bytes() == b"old"


def test_a_bare_state_dict_needs_its_architecture(tmp_path: Path) -> None:
    weights = tmp_path / "w.pt"
    torch.save(torch.nn.Linear(2, 2).state_dict(), weights)
    assert "--arch" in complaint(edgeprune("export", weights), 2)
