"""A file of this machine that is going to the board."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgeprune.errors import UserInputError
from edgeprune.wording import shown

_CHUNK = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """A file as it was when it was looked at.

    Attributes:
        name: in the bundle.
        path: here.
        sha256: of its bytes.
        size: in bytes.
    """

    name: str
    path: Path
    sha256: str
    size: int

    @classmethod
    def of(cls, name: str, path: Path) -> LocalFile:
        """Look at a file.

        Raises:
            OSError: it cannot be read.
        """
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return cls(name, path, digest.hexdigest(), size)

    def has_changed(self) -> bool:
        """Whether the file is another one now, or gone."""
        try:
            return LocalFile.of(self.name, self.path) != self
        except OSError:
            return True


def check_name(name: str) -> str:
    """A name in a bundle: folders with `/` between them, all of them inside it.

    Raises:
        UserInputError: it is another thing, or a line would not hold it.
    """
    path = PurePosixPath(name)
    is_plain = name.isprintable() and name.strip() == name and str(path) == name
    if not is_plain or path.is_absolute() or ".." in path.parts or name in ("", "."):
        raise UserInputError(f"{shown(name)}: not a name for a file in a bundle")
    return name
