"""A plugin's library that was built before the deploy."""

from __future__ import annotations

import struct
from pathlib import Path

from edgeprune.device.targets import Target
from edgeprune.errors import UserInputError

_AARCH64 = 183  # EM_AARCH64 of elf.h


def prebuilt(path: Path, target: Target) -> bytes:
    """The library's bytes.

    Raises:
        UserInputError: it is missing, no shared library, or one of another processor than the
            board's.
    """
    if not path.is_file():
        raise UserInputError(f"--plugin {path}: no such file")
    content = path.read_bytes()
    if content[:4] != b"\x7fELF" or len(content) < 20:
        raise UserInputError(f"--plugin {path}: is no shared library")
    (machine,) = struct.unpack("<H", content[18:20])
    if target.l4t is not None and machine != _AARCH64:
        raise UserInputError(
            f"--plugin {path}: is built for another processor; boards need aarch64 (see "
            "cuda/plugin/README.md), or leave it out and the board compiles it"
        )
    return content
