"""Encoded files by number: from a folder, from a tar, or held in memory."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Protocol

from edgeprune.errors import UserInputError


class Store(Protocol):
    """Files of a data set.

    Attributes:
        origin: the folder or archive, for messages.
        names: relative POSIX paths, in any order; an empty folder's ends in a slash.
    """

    origin: str
    names: list[str]

    def read(self, number: int) -> bytes:
        """Return the file `names[number]`; OSError when it cannot be read."""
        ...


class FolderStore:
    """Files below a folder; hidden ones are left out."""

    def __init__(self, root: Path) -> None:
        self.origin = str(root)
        self._root = root
        self.names = []
        # Links to class folders are common and are followed; a loop of links is cut by depth.
        for folder, folders, files in os.walk(root, followlinks=True, onerror=_raise):
            inside = Path(folder).relative_to(root)
            if len(inside.parts) > 8:
                raise UserInputError(f"{root}: folders nested too deeply at {inside}")
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            shown = [name for name in files if not name.startswith(".")]
            self.names += [(inside / name).as_posix() for name in shown]
            if not shown and not folders:
                self.names.append(f"{inside.as_posix()}/")

    def read(self, number: int) -> bytes:
        """Read one file."""
        return (self._root / self.names[number]).read_bytes()


class TarStore:
    """Members of an uncompressed tar, read in place by offset."""

    def __init__(self, path: Path, names: list[str], spans: list[tuple[int, int]]) -> None:
        self.origin = str(path)
        self.names = names
        self._spans = spans
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, number: int) -> bytes:
        """Read one member; safe from many threads."""
        offset, size = self._spans[number]
        return os.pread(self._descriptor, size, offset)


class MemoryStore:
    """Files already read, as from a compressed archive that has no random access."""

    def __init__(self, origin: str, names: list[str], contents: list[bytes]) -> None:
        self.origin = origin
        self.names = names
        self._contents = contents

    def read(self, number: int) -> bytes:
        """Return one file."""
        return self._contents[number]


def _raise(error: OSError) -> None:
    raise UserInputError(f"{error.filename}: cannot be listed ({error.strerror})") from error
