"""The device package must load on a board: old Python, no torch, nothing else of edgeprune."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import edgeprune.device

_ROOT = Path(edgeprune.device.__file__).parent
_FILES = sorted(_ROOT.rglob("*.py"))
# Runtimes are imported by their own runner when it is activated.
_RUNTIMES = {"onnxruntime", "onnxruntime_extensions"}


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_syntax_is_python_38(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 8))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_imports_only_the_standard_library_numpy_and_itself(path: Path) -> None:
    foreign = {
        name
        for name in _imported(ast.parse(path.read_text(encoding="utf-8")))
        if not name.startswith("edgeprune.device")
        and name.split(".")[0] not in sys.stdlib_module_names | {"numpy"} | _RUNTIMES
    }
    assert not foreign


def test_importing_the_rooms_loads_no_runtime() -> None:
    script = (
        "import sys, edgeprune.device.latency, edgeprune.device.power\n"
        "import edgeprune.device.runners.onnxruntime, edgeprune.device.runners.tensorrt_profile\n"
        "import edgeprune.device.tensorrt.engine_file\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'tensorrt', 'tensorrt_rtx', 'cuda'}\n"
        "assert not heavy & set(sys.modules), 'heavy import'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def _imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names
