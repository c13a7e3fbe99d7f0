"""This machine's processor: its name, and the cores that may be used."""

from __future__ import annotations

import os
import platform
from pathlib import Path

# Keys of /proc/cpuinfo that name the processor, on x86 and on several Arm kernels.
_CPU_KEYS = ("model name", "Hardware", "Model", "cpu model")


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
