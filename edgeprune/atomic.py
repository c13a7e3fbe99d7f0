"""Files that are either the old version or the new one, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def save_atomic(
    path: str | os.PathLike[str], writer: Callable[[BinaryIO], None], *, sync: bool = True
) -> None:
    """Let `writer` fill a temporary file beside `path`, sync it, and rename it into place.

    Without `sync` a power failure (not a killed process) can leave half a file: for what can be
    made again, and whose reader notices.

    On any failure (a full disk included) the old file stays and the temporary one is removed.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            writer(stream)
            stream.flush()
            if sync:
                os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        _sync_folder(target.parent)


def write_bytes_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace `path` by `data` in one step."""

    def write(stream: BinaryIO) -> None:
        stream.write(data)

    save_atomic(path, write)


def write_text_atomic(path: str | os.PathLike[str], text: str) -> None:
    """Replace `path` by UTF-8 `text` in one step."""
    write_bytes_atomic(path, text.encode())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
