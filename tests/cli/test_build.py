"""`edgeprune build`: an engine, the reason why it was built, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import complaint, edgeprune

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
    ],
)
def test_mistakes_are_one_line(
    exported: Path, tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    ended = edgeprune("build", exported, *arguments, "--out", tmp_path / "m.engine")
    assert text in complaint(ended, code)
    assert not list(tmp_path.iterdir())


def test_a_missing_model_is_one_line(tmp_path: Path) -> None:
    ended = edgeprune("build", tmp_path / "nowhere.onnx", *RTX)
    assert "nowhere.onnx: no such file" in complaint(ended, 2)
