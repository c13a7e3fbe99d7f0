"""The system's Python before others, unless it lacks what the agent needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.deploy.local_board import LocalBoard
from edgeprune.deploy.python import find_python
from edgeprune.errors import UnsupportedError


def _python(folder: Path, name: str, answer: str) -> str:
    """A program that says which modules it has, or nothing at all."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("system", "environment", "taken"),
    [
        ("echo numpy,tensorrt", "echo numpy,tensorrt", "system"),
        ("echo numpy", "echo numpy,onnxruntime", "system"),
        ("echo numpy", "echo numpy,tensorrt", "environment"),
        ("echo", "echo numpy", "environment"),
        ("echo tensorrt", "echo", "system"),
        ("exit 1", "echo", "environment"),
    ],
)
def test_the_system_s_own_unless_another_serves_better(
    tmp_path: Path, system: str, environment: str, taken: str
) -> None:
    names = [_python(tmp_path, "system", system), _python(tmp_path, "environment", environment)]
    found = find_python(LocalBoard(), "tensorrt", ["no-such-program", *names])
    assert Path(found.path).name == taken


def test_it_is_told_with_what_it_has(tmp_path: Path) -> None:
    path = _python(tmp_path, "python 3", "echo numpy,onnxruntime")
    found = find_python(LocalBoard(), "onnxruntime", [path])
    assert str(found) == f"{path} (with numpy and onnxruntime)"
    bare = _python(tmp_path, "bare", "echo")
    assert str(find_python(LocalBoard(), "onnxruntime", [bare])) == f"{bare} (with no numpy)"


def test_a_board_without_any(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="apt install python3"):
        find_python(LocalBoard(), "tensorrt", [_python(tmp_path, "broken", "exit 1")])
