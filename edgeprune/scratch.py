"""A place beside a file that is being made, which a killed process does not leave for good."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = ".unfinished"


@contextlib.contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """A hidden folder in `path`'s own, on the same disk: what is in it can be renamed to `path`.

    It goes when the block ends. A process that is killed leaves it, unlocked, and the next one
    that works in the same place removes it.
    """
    _sweep(path.parent)
    folder, held = _locked_folder(path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _locked_folder(path: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(_SUFFIX, f".{path.name}.", path.parent))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        if folder.exists():
            return folder, held
        os.close(held)  # another process swept it before it was locked


def _sweep(place: Path) -> None:
    for folder in place.glob(f".*{_SUFFIX}"):
        with contextlib.suppress(OSError):  # in use, another user's, or gone by now
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(held)
