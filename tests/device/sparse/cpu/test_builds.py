"""The kernel under sanitizers, in every vector width, on another processor, and with seeded bugs.

What each build runs is checked against PyTorch by sparse_cases.cpp.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from needs import lacking

import edgeprune.device.sparse.cpu
from edgeprune.device.sparse.cpu.build import sources

_SOURCES = Path(edgeprune.device.sparse.cpu.__file__).parent
_DRIVER = Path(__file__).parents[3] / "support" / "sparse_cases.cpp"
_FLAGS = ("-std=c++17", "-pthread", "-Wall", "-Wextra", "-Werror")
_IS_X86 = platform.machine() == "x86_64"
_SANITIZED = ("-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")


def _built(folder: Path, *flags: str, compiler: str = "g++", kernel: Path = _SOURCES) -> Path:
    program = folder / "cases"
    command = [compiler, *_FLAGS, *flags, f"-I{kernel}", str(_DRIVER),
               str(kernel / "sparse_conv.cpp"), "-o", str(program)]  # fmt: skip
    subprocess.run(command, check=True)
    return program


def _run(program: Path, cases: Path, *before: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, program, cases], capture_output=True, encoding="utf-8", check=False
    )


def _require_right(ended: subprocess.CompletedProcess[str], width: int | None = None) -> None:
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "cases 150 wrong 0" in ended.stdout
    if width is not None:
        assert f"width {width} " in ended.stdout


@pytest.mark.parametrize("kinds", ["address,undefined", "thread"])
def test_sanitizers_find_nothing(kinds: str, cases: Path, tmp_path: Path) -> None:
    program = _built(tmp_path, *_SANITIZED, f"-fsanitize={kinds}")
    _require_right(_run(program, cases))


@pytest.mark.skipif(not _IS_X86, reason="these are x86's vectors")
@pytest.mark.parametrize(("level", "width"), [("x86-64", 4), ("x86-64-v3", 8), ("x86-64-v4", 16)])
def test_every_width_is_right(level: str, width: int, cases: Path, tmp_path: Path) -> None:
    has = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if width > 4 and {8: "avx2", 16: "avx512f"}[width] not in has:
        pytest.skip(f"this CPU has no vectors of {width} floats")
    _require_right(_run(_built(tmp_path, "-O3", f"-march={level}"), cases), width)


def test_neon_is_right(cases: Path, tmp_path: Path) -> None:
    needed = ("aarch64-linux-gnu-g++", "qemu-aarch64")
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        lacking(f"{', '.join(missing)} not installed")
    program = _built(tmp_path, "-O3", "-static", compiler=needed[0])
    _require_right(_run(program, cases, needed[1]), 4)


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("pack.h", "clear_loosely(to + first + copied, at_.pitch - first - copied);", ""),
        ("pack.h", "clear_loosely(to, first);", ""),
        ("geometry.h", "return tap * dilation / stride;", "return tap / stride;"),
        ("geometry.h", "std::min(begin, length() - after)", "begin"),
        ("plan.h", "std::min(conv.vector, each - row * conv.vector)", "conv.vector"),
        ("finish.h", "if (more) value += more[i];", ""),
        ("walk.h", "values += columns.vector)", "values += kLanes)"),
        ("pool.h", "item = next_++) (*task_)", "item = next_ += 2) (*task_)"),
    ],
)
def test_seeded_bugs_are_caught(
    file: str, right: str, wrong: str, cases: Path, tmp_path: Path
) -> None:
    kernel = tmp_path / "kernel"
    kernel.mkdir()
    for name, content in sources().items():
        (kernel / name).write_bytes(content)
    text = (kernel / file).read_text()
    assert text.count(right) == 1
    (kernel / file).write_text(text.replace(right, wrong))
    program = _built(tmp_path, "-O0", "-w", kernel=kernel)
    assert _run(program, cases).returncode != 0
