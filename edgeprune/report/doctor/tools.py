"""Programs that deploying and building call."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from edgeprune.report.doctor.finding import Finding

_TRTEXEC = Path("/usr/src/tensorrt/bin/trtexec")
_PATIENCE_S = 10.0


def examine_tools() -> Iterator[Finding]:
    """nvcc, ssh and trtexec."""
    yield _nvcc()
    yield _ssh()
    yield _trtexec()


def _nvcc() -> Finding:
    path = shutil.which("nvcc")
    if path is None:
        return Finding("tools", "nvcc", "missing", "compiles the sparse convolution's CUDA kernels",
                       "install the CUDA toolkit; boards bring their own")  # fmt: skip
    release = re.search(r"release ([\d.]+)", _output(path, "--version"))
    if release is None:
        return Finding("tools", "nvcc", "limited", f"{path} does not tell its version",
                       "check the CUDA toolkit's installation")  # fmt: skip
    return Finding("tools", "nvcc", "ok", f"CUDA {release[1]} ({path})")


def _ssh() -> Finding:
    path = shutil.which("ssh")
    if path is None:
        return Finding("tools", "ssh", "missing", "reaches boards", "install openssh-client")
    return Finding("tools", "ssh", "ok", path)


def _trtexec() -> Finding:
    path = shutil.which("trtexec") or (str(_TRTEXEC) if _TRTEXEC.exists() else None)
    if path is None:
        return Finding("tools", "trtexec", "missing",
                       "builds engines where TensorRT's Python bindings are absent",
                       "comes with TensorRT; JetPack has it in /usr/src/tensorrt/bin")  # fmt: skip
    return Finding("tools", "trtexec", "ok", path)


def _output(*command: str) -> str:
    """What a program prints; empty when it cannot run."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
