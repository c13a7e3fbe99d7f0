"""Memory and disk that are free."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_MIB = 1 << 20


@dataclass(frozen=True)
class Space:
    """In MiB; memory is None where `/proc/meminfo` does not tell.

    Attributes:
        memory_mib: of the machine; on a Jetson the GPU shares it.
        free_memory_mib: that programs could get.
        free_disk_mib: where the bundles lie.
    """

    memory_mib: int | None
    free_memory_mib: int | None
    free_disk_mib: int


def read_space(root: Path, folder: Path) -> Space:
    """Free space now.

    Args:
        root: where `proc` hangs.
        folder: where bundles lie, or will: the nearest folder that exists is asked.
    """
    try:
        told = (root / "proc/meminfo").read_text(encoding="utf-8")
    except OSError:
        told = ""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(str(folder)).free
    return Space(_of(told, "MemTotal"), _of(told, "MemAvailable"), free // _MIB)


def _of(told: str, name: str) -> int | None:
    found = re.search(rf"^{name}:\s*(\d+) kB", told, re.MULTILINE)
    return int(found.group(1)) // 1024 if found else None
