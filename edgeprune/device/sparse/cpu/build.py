"""Compiles the CPU kernel with the system's compiler, once for each machine and version."""

from __future__ import annotations

import hashlib
import os
import pkgutil
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

from edgeprune.device.cache import CACHE_VARIABLE, cache_folder
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError

_SOURCES = (
    "sparse_conv.cpp", "finish.h", "geometry.h", "pack.h", "plan.h", "pool.h", "simd.h", "walk.h"
)  # fmt: skip
_COMPILERS = ("c++", "g++", "clang++")
_FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-pthread", "-Wall", "-Wextra", "-Werror")
_REMEDY = "install one (apt install g++), or name one with the variable CXX"


def library(flags: Sequence[str] = ()) -> Path:
    """The compiled kernel; compiled now unless it is in the cache.

    The cache is `EDGEPRUNE_CACHE_DIR`, or `edgeprune` in the user's cache folder. A library is kept
    under a hash of the sources, the flags, the compiler's version and the CPU's features.

    Args:
        flags: for the compiler, after the usual ones.

    Raises:
        DeviceUnsupportedError: there is no compiler, or it cannot compile the kernel.
        DeviceError: the cache cannot be written.
    """
    compiler = find_compiler()
    command = [*compiler, *_FLAGS, native_flag(), *flags]
    path = cache_folder() / f"sparse_conv-{_key(compiler, command)}.so"
    if not path.is_file():
        _compile(command, path)
    return path


def find_compiler() -> list[str]:
    """The C++ compiler's command.

    Raises:
        DeviceUnsupportedError: there is none.
    """
    named = shlex.split(os.environ.get("CXX", ""))
    found = [named] if named else [[name] for name in _COMPILERS]
    for command in found:
        if shutil.which(command[0]):
            return command
    missing = f"CXX={named[0]}" if named else ", ".join(_COMPILERS)
    raise DeviceUnsupportedError(
        f"sparse convolutions on a CPU need a C++ compiler ({missing} not found): {_REMEDY}"
    )


def native_flag(machine: str = "") -> str:
    """What makes the compiler use all that this CPU has."""
    is_x86 = (machine or platform.machine()) in ("x86_64", "AMD64", "i686")
    return "-march=native" if is_x86 else "-mcpu=native"


def sources() -> dict[str, bytes]:
    """The kernel's files by name, from a folder or from inside a zip archive."""
    found = {name: pkgutil.get_data(__package__, name) for name in _SOURCES}
    return {name: content for name, content in found.items() if content is not None}


def _key(compiler: Sequence[str], command: Sequence[str]) -> str:
    parts = [part for name, content in sources().items() for part in (name.encode(), content)]
    version = subprocess.run([*compiler, "--version"], capture_output=True, check=False).stdout
    parts += [" ".join(command).encode(), version, _cpu_features().encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _cpu_features() -> str:
    """What `-march=native` looks at: a cache may be shared by machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    wanted = ("flags", "Features", "CPU part", "model name")
    return "\n".join(sorted({platform.machine(), *(ln for ln in lines if ln.startswith(wanted))}))


def _compile(command: Sequence[str], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Others, threads of this process among them, may be compiling the same.
        with tempfile.TemporaryDirectory(prefix=".", dir=str(path.parent)) as folder:
            made = Path(folder) / path.name
            for name, content in sources().items():
                (Path(folder) / name).write_bytes(content)
            _run([*command, str(Path(folder) / _SOURCES[0]), "-o", str(made)])
            with made.open("rb+") as stream:
                os.fsync(stream.fileno())
            made.replace(path)
    except OSError as failure:
        raise DeviceError(
            f"the compiled sparse kernel cannot be kept in {path.parent} ({failure.strerror}): "
            f"name a folder with the variable {CACHE_VARIABLE}"
        ) from failure


def _run(command: Sequence[str]) -> None:
    ended = subprocess.run(
        list(command), capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if "error" in line]
        first = said[0] if said else f"it ended with {ended.returncode}"
        raise DeviceUnsupportedError(
            f"{command[0]} cannot compile the sparse kernel ({first}): use GCC 9 or newer, or name "
            "another compiler with the variable CXX"
        )
