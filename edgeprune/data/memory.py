"""How much memory a data set may take."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """Memory that this process may still take, in bytes.

    The least of what the machine has available and what a container's limit leaves, shared
    among the processes that torchrun started on this machine.
    """
    room = min(_machine_bytes(), _container_bytes())
    return room // max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def _machine_bytes() -> int:
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _container_bytes() -> int:
    limit, used = _CGROUP / "memory.max", _CGROUP / "memory.current"
    if limit.exists() and used.exists():
        text = limit.read_text().strip()
        if text != "max":
            return max(0, int(text) - int(used.read_text()))
    return 1 << 62
