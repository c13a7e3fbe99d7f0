"""Finding and ending the processes of a board that is only a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

_PROC = Path("/proc")


def with_variable(name: str, value: str, words: Sequence[str] = ()) -> list[int]:
    """Processes that were started with this variable and have all these words as arguments."""
    wanted = f"{name}={value}".encode()
    return [
        pid
        for pid in _all()
        if wanted in _parts(pid, "environ") and _holds(_parts(pid, "cmdline"), words)
    ]


def children_of(pid: int) -> list[int]:
    """All descendants of a process."""
    by_parent: dict[int, list[int]] = {}
    for child in _all():
        by_parent.setdefault(_parent(child), []).append(child)
    found, waiting = [], [pid]
    while waiting:
        children = by_parent.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def kill(pids: Iterable[int], signal: int) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal)


def _all() -> list[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()]


def _parts(pid: int, name: str) -> list[bytes]:
    """Empty for a process that has ended, or whose file cannot be read."""
    try:
        return (_PROC / str(pid) / name).read_bytes().split(b"\0")
    except OSError:
        return []


def _holds(arguments: Sequence[bytes], words: Sequence[str]) -> bool:
    return all(word.encode() in arguments for word in words)


def _parent(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[1])
