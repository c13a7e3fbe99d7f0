"""Whether the files that a data specification names are the same as before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_WORDS: Final = re.compile(r"[:@+]\w+$")  # behind a path: `:rating`, `@2013`, `+features`


def state_behind(spec: str) -> list[tuple[str, int, int]]:
    """Name, size and time of every file behind a specification, without reading any.

    Nothing, where it names no path: embedded data does not change, and that of a user's function
    cannot be told from outside.
    """
    rest = spec.partition(":")[2] or spec
    while not (path := Path(rest).expanduser()).exists():
        shorter = _WORDS.sub("", rest)
        if shorter == rest:
            return []
        rest = shorter
    return sorted(_files(path))


def _files(path: Path) -> Iterator[tuple[str, int, int]]:
    if path.is_file():
        yield _about(path)
    for folder, _, names in os.walk(path):
        found = (Path(folder) / name for name in names)
        yield from (_about(file) for file in found if file.exists())  # a link may lead nowhere


def _about(path: Path) -> tuple[str, int, int]:
    found = path.stat()
    return str(path), found.st_size, found.st_mtime_ns
