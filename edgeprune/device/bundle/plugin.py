"""The sparse convolution's plugin, compiled on the board from the bundle's source."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Callable, Sequence

from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.cache import cache_folder
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.probe.space import read_space
from edgeprune.device.root import system_root
from edgeprune.device.tensorrt.key import file_digest

LIBRARY = "libedgeprune_plugin.so"
_COMPILER_MIB = 1500  # that nvcc takes of a board's memory
_SYSTEM_NVCC = Path("/usr/local/cuda/bin/nvcc")


def ensure_plugin(source: Path, tell: Callable[[str], None]) -> Path:
    """The compiled plugin: a library as it is, or of a source archive, compiled once.

    CMake configures for the board's own GPU and finds TensorRT's headers, see the archive's
    `CMakeLists.txt`.

    Args:
        source: a library, or a `.tar.gz` of the folder `cuda/` without its tests.
        tell: gets a line before the minutes that compiling takes.

    Raises:
        DeviceUnsupportedError: a compiler is missing, or it fails.
        BundleError: the archive is damaged.
    """
    if source.suffix == ".so":
        return source
    folder = cache_folder() / "plugins" / file_digest(source)[:16]
    library = folder / LIBRARY
    if library.is_file():
        return library
    _require_tools()
    tell("compiling the plugin of the sparse convolution, which takes some minutes")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".plugin-", dir=str(folder.parent)) as scratch:
        built = compile_plugin(source, Path(scratch))
        folder.mkdir(exist_ok=True)
        built.replace(library)
    return library


def compile_plugin(source: Path, folder: Path, options: Sequence[str] = ()) -> Path:
    """Compile a source archive in a folder; the library, which lies in it.

    Args:
        options: of CMake, see the archive's `CMakeLists.txt`; none are needed on a board.

    Raises:
        DeviceUnsupportedError: it does not compile.
        BundleError: the archive is damaged.
    """
    _unpack(source, folder / "source")
    _run(["cmake", "-S", str(folder / "source"), "-B", str(folder / "build"), *options])
    _run(["cmake", "--build", str(folder / "build"), "--parallel", str(_jobs(folder))])
    built = folder / "build" / LIBRARY
    if not built.is_file():
        raise DeviceUnsupportedError(f"the plugin was compiled, but {LIBRARY} is not there")
    return built


def _jobs(folder: Path) -> int:
    """Compilers at once: as many as there are cores and memory for."""
    free = read_space(system_root(), folder).free_memory_mib
    return max(1, min(os.cpu_count() or 1, free // _COMPILER_MIB if free is not None else 1))


def _require_tools() -> None:
    if shutil.which("cmake") is None:
        raise DeviceUnsupportedError(
            "sparse layers need a plugin, and compiling it needs CMake 3.16: apt install cmake on "
            "the board, or export without --sparse"
        )
    if shutil.which("nvcc") is None and not _SYSTEM_NVCC.exists():
        raise DeviceUnsupportedError(
            "sparse layers need a plugin, and compiling it needs CUDA's nvcc: apt install "
            "nvidia-cuda-dev on the board, or export without --sparse"
        )


def _unpack(source: Path, folder: Path) -> None:
    try:
        with tarfile.open(str(source)) as archive:
            for member in archive.getmembers():
                path = Path(member.name)
                if not member.isfile() or path.is_absolute() or ".." in path.parts:
                    raise BundleError(f"{source}: holds {member.name}, which is no source file")
            archive.extractall(str(folder))  # every member is a plain file inside
    except (tarfile.TarError, OSError, EOFError) as failure:
        raise BundleError(f"{source}: is damaged; deploy the run again") from failure


def _run(command: list[str]) -> None:
    ended = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        encoding="utf-8",
        errors="replace",
    )
    if ended.returncode:
        told = [line for line in ended.stdout.splitlines() if "rror" in line]
        first = told[0].strip() if told else f"it ended with {ended.returncode}"
        raise DeviceUnsupportedError(f"the plugin does not compile here: {first}")
