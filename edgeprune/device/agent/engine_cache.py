"""The folder of the engines that were built here, kept from filling the board's disk."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from edgeprune.device.cache import cache_folder
from edgeprune.device.tensorrt.sidecar import sidecar_of

_KEPT_BYTES = 2 << 30


def engine_folder() -> Path:
    """Where they lie; made where there is none."""
    folder = cache_folder() / "engines"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def mark_used(engine: Path) -> None:
    """Note that an engine was used now; one of another user, such as root, stays as it is."""
    with contextlib.suppress(OSError):
        os.utime(str(engine))


def make_room(kept_bytes: int = _KEPT_BYTES) -> None:
    """Remove the engines that were not used for longest, beyond so many bytes.

    Every graph brings one, and a search for a budget many. Call it before a session's engines are
    looked for, not between them.
    """
    engines = [(path.stat(), path) for path in engine_folder().glob("*.engine")]
    engines.sort(key=lambda each: each[0].st_mtime, reverse=True)
    total = 0
    for about, path in engines:
        total += about.st_size
        if total > kept_bytes:
            for old in (path, sidecar_of(path)):
                with contextlib.suppress(OSError):
                    old.unlink()
