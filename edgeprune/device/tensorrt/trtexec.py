"""TensorRT's command-line program, which builds engines where its Python module is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgeprune.device.errors import DeviceUnsupportedError

SYSTEM = Path("/usr/src/tensorrt/bin/trtexec")
_VERSION = re.compile(r"TensorRT v(\d+)")
_ANSWER_S = 60.0  # on a cold board it loads a gigabyte of libraries first


@dataclass(frozen=True)
class Trtexec:
    """The program, and the TensorRT it belongs to.

    Attributes:
        path: of the program.
        version: such as `10.3.0`, as it says itself.
    """

    path: str
    version: str
    backend: str = "trtexec"

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def label(self) -> str:
        """For people."""
        return f"trtexec of TensorRT {self.version}"


def find_trtexec(path: str | None = None, system: Path = SYSTEM) -> Trtexec | None:
    """The program that was asked for, else the system's, else the one on PATH; None without any.

    Raises:
        DeviceUnsupportedError: it does not start or does not tell its version.
    """
    if path is None:
        path = str(system) if system.exists() else shutil.which("trtexec")
    return None if path is None else Trtexec(path, _version(path))


def _version(path: str) -> str:
    try:
        told = subprocess.run(
            [path, "--help"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_ANSWER_S,
            check=False,
            encoding="utf-8",
            errors="replace",
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise DeviceUnsupportedError(f"--trtexec {path}: does not start ({failure})") from failure
    found = _VERSION.search(told)
    if found is None:
        lines = told.strip().splitlines()
        words = f" ({lines[-1].strip()[:200]})" if lines else ""
        raise DeviceUnsupportedError(f"--trtexec {path}: does not tell its version{words}")
    return read_version(int(found.group(1)))


def read_version(number: int) -> str:
    """`8502` is 8.5.2, `100300` is 10.3.0: TensorRT 10 gave the minor version two places."""
    unit = 1000 if number < 10000 else 10000
    return f"{number // unit}.{number % unit // 100}.{number % 100}"
