"""Builds the plugin with nvcc, by the ways that its README gives."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from unittest.mock import patch

from edgeprune.deploy.bundle.plugin_source import plugin_source
from edgeprune.device.bundle.plugin import compile_plugin
from sparse_harness.build import CUDA, BuildError, cache_folder, digest, shape_list
from sparse_harness.tensorrt_headers import tensorrt_headers

README = CUDA / "plugin" / "README.md"
NAME = "libedgeprune_plugin.so"
# Whether it builds is what is asked here, and not how fast it runs.
_QUICKLY = "-Xcicc -O0 -Xptxas -O0 -Xcompiler -O0"
_HOST_QUICKLY = "-DCMAKE_CXX_FLAGS_RELEASE=-O0"


def nvcc() -> str | None:
    """The compiler, where there is one."""
    return shutil.which("nvcc")


def by_cmake() -> Path:
    """As the agent does on a board, with the headers named and one architecture."""
    headers = f"-DTENSORRT_INCLUDE_DIR={tensorrt_headers()}"
    options = [headers, "-DEDGEPRUNE_ARCHITECTURES=87", _HOST_QUICKLY]
    lists = [CUDA / "CMakeLists.txt", CUDA / "cmake" / "Architectures.cmake"]

    def build(folder: Path) -> None:
        source = folder / "source.tar.gz"
        source.write_bytes(plugin_source())
        with patch.dict(os.environ, {"NVCC_APPEND_FLAGS": _QUICKLY}):
            compile_plugin(source, folder, options).replace(folder / NAME)

    return _built("cmake", [*options, *(path.read_text() for path in lists)], build)


def fall_back_lines() -> list[str]:
    """The lines of the README that build it without CMake."""
    found = re.search(r"Without CMake.*?```sh\n(.*?)```", README.read_text(), re.DOTALL)
    if found is None:
        raise BuildError(f"{README} does not say how to build without CMake")
    return found[1].splitlines()


def by_fall_back() -> Path:
    """By the lines of the README, in a copy of the sources, with one kernel of each type."""
    lines = fall_back_lines()

    def build(folder: Path) -> None:
        for part in ("plan", "kernels", "plugin"):
            shutil.copytree(CUDA / part, folder / part, dirs_exist_ok=True)
        one = f"#define EDGEPRUNE_DIRECT_SHAPES(X, ...) {shape_list([(4, 1, 8, 1)])}\n"
        (folder / "one.h").write_text(one)
        settings = {
            "ARCHITECTURE": "sm_87",
            "TENSORRT_INCLUDE": f"-I{tensorrt_headers()}",
            "NVCC_APPEND_FLAGS": f"{_QUICKLY} -include one.h",
        }
        _run(["sh", "-ec", "\n".join(lines)], folder, settings)

    return _built("fall_back", lines, build)


def _built(name: str, words: list[str], build: Callable[[Path], None]) -> Path:
    folder = cache_folder() / f"plugin_{name}-{digest(CUDA, words)}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / NAME).exists():
            build(folder)
    return folder / NAME


def _run(
    command: list[str], folder: Path | None = None, settings: Mapping[str, str] | None = None
) -> None:
    environment = {**os.environ, "NVCC_APPEND_FLAGS": _QUICKLY, **(settings or {})}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-4000:]}")
