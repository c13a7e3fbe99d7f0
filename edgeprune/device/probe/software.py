"""What a board has installed: CUDA, TensorRT, Python and its packages."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from edgeprune.device.errors import DeviceError
from edgeprune.device.tensorrt.trtexec import SYSTEM, find_trtexec

_ASK_S = 60.0  # importing TensorRT on a cold board takes tens of seconds


@dataclass(frozen=True)
class Software:
    """Versions; None for what is not there.

    Attributes:
        python: of the interpreter that runs the agent.
        numpy: of its package.
        tensorrt: of the Python module, else of the system's package, else of trtexec.
        tensorrt_python: whether the Python module can be imported.
        trtexec: path of the program.
        onnxruntime: of its package.
        cuda: of the toolkit or its runtime.
        machine: such as `aarch64`.
    """

    python: str
    numpy: str | None
    tensorrt: str | None
    tensorrt_python: bool
    trtexec: str | None
    onnxruntime: str | None
    cuda: str | None
    machine: str


def read_software(root: Path) -> Software:
    """Look, and load nothing of it into this process."""
    module, packages, program = _tensorrt(), _packages(), _trtexec()
    known = module or _version_of(packages, r"libnvinfer\d+")
    return Software(
        python=platform.python_version(),
        numpy=_installed("numpy"),
        # trtexec loads a gigabyte of libraries to tell: it is asked last.
        tensorrt=known or (None if program is None else _trtexecs_version(program)),
        tensorrt_python=module is not None,
        trtexec=program,
        onnxruntime=_installed("onnxruntime", "onnxruntime-gpu"),
        cuda=_cuda_version(root) or _version_of(packages, r"cuda-cudart-[\d-]+"),
        machine=platform.machine(),
    )


def _installed(*names: str) -> str | None:
    """Version of a Python package, as its own notes say, under the first name that it has."""
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return None


def _tensorrt() -> str | None:
    """Version of TensorRT's module, if it can really be imported: its libraries may be missing.

    Another process tries, since a broken library can end the one that loads it.
    """
    if importlib.util.find_spec("tensorrt") is None:
        return None
    return _answer([sys.executable, "-c", "import tensorrt; print(tensorrt.__version__)"])


def _packages() -> Mapping[str, str]:
    """Versions of TensorRT's and CUDA's Debian packages, where dpkg knows any."""
    if shutil.which("dpkg-query") is None:
        return {}
    told = _run(["dpkg-query", "-W", "libnvinfer[0-9]*", "cuda-cudart-[0-9]*"])
    rows = (line.split() for line in told.splitlines())
    return {row[0].split(":")[0]: row[1] for row in rows if len(row) == 2}


def _version_of(packages: Mapping[str, str], pattern: str) -> str | None:
    """Such as `10.3.0.30` of `10.3.0.30-1+cuda12.5`."""
    for name, version in packages.items():
        if re.fullmatch(pattern, name):
            return re.split(r"[-+]", version)[0]
    return None


def _trtexec() -> str | None:
    return str(SYSTEM) if SYSTEM.exists() else shutil.which("trtexec")


def _trtexecs_version(program: str) -> str | None:
    try:
        found = find_trtexec(program)
    except DeviceError:
        return None
    return found.version if found else None


def _cuda_version(root: Path) -> str | None:
    folder = root / "usr/local/cuda"
    try:
        told: dict[str, Any] = json.loads((folder / "version.json").read_text(encoding="utf-8"))
        return str(told["cuda"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:  # until CUDA 11.0
        found = re.search(r"(\d+\.\d+)", (folder / "version.txt").read_text(encoding="utf-8"))
        return found.group(1) if found else None
    except OSError:
        return None


def _answer(command: list[str]) -> str | None:
    """The last line that a program prints; None if it fails."""
    lines = _run(command).strip().splitlines()
    return lines[-1].strip() if lines else None


def _run(command: list[str]) -> str:
    """What a program prints; nothing if it does not start or end in time."""
    try:
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ASK_S,
            check=False,
            encoding="utf-8",
            errors="replace",
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
