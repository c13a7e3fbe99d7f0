"""Noticing that an earlier build was killed, which it cannot tell of itself.

When memory runs out the kernel kills the builder without a word. A mark beside the engine stays
then, and the next build says what it means.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator

from edgeprune.device.tensorrt.plan import MEMORY_REMEDY

_SUFFIX = ".building"


@contextlib.contextmanager
def marked(path: Path) -> Iterator[str]:
    """Mark the engine as being built; yields what the mark of an earlier build tells, or ''."""
    mark = path.with_name(path.name + _SUFFIX)
    told = _told(mark)
    mark.write_text(f"{os.getpid()}\n", encoding="ascii")
    try:
        yield told
    finally:
        with contextlib.suppress(FileNotFoundError):
            mark.unlink()


def _told(mark: Path) -> str:
    try:
        builder = int(mark.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""
    if Path(f"/proc/{builder}").exists():
        return ""
    return (
        "the last build of this engine was killed, most often because memory ran out; if this one "
        f"is too: {MEMORY_REMEDY}"
    )
