"""What a result depends on besides the recipe: software, processor, threads."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from edgeprune import __version__

_PACKAGES = ("torch", "torchvision", "onnx", "onnxruntime", "numpy")
# Keys of /proc/cpuinfo that name the processor, on x86 and on several Arm kernels.
_CPU_KEYS = ("model name", "Hardware", "Model", "cpu model")


def versions() -> dict[str, Any]:
    """Versions of this process's software, the CPU's name, cores and torch's threads.

    A package that is not installed is None.
    """
    import torch

    return {
        "edgeprune": __version__,
        "python": platform.python_version(),
        **{name: package_version(name) for name in _PACKAGES},
        "os": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
    }


def package_version(name: str) -> str | None:
    """The installed version of a distribution, without importing it; None when absent."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, or its architecture where the system does not tell one."""
    entries = cpu_entries(cpuinfo)
    for key in _CPU_KEYS:
        if entries.get(key):
            return entries[key]
    return platform.processor() or platform.machine()


def cpu_entries(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """The first value of every key of /proc/cpuinfo; empty where that file is absent."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    entries: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        entries.setdefault(key.strip(), value.strip())
    return entries


def usable_cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
