"""Values in the kernel's files; None where a machine does not tell."""

from __future__ import annotations

from pathlib import Path


def text_in(path: Path) -> str | None:
    """What a file holds, without white space around it."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def number_in(path: Path) -> int | None:
    """The whole number in a file."""
    try:
        return int(text_in(path) or "")
    except ValueError:
        return None
