"""Bringing a file from the board."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO, BinaryIO

from edgeprune.atomic import save_atomic
from edgeprune.deploy.ssh.errors import BoardError
from edgeprune.deploy.ssh.master import Master
from edgeprune.deploy.ssh.remote import MARKER, script
from edgeprune.deploy.ssh.session import Session
from edgeprune.deploy.ssh.words import in_brackets

_NO_FILE = 66
_CHUNK = 1 << 16


def fetch(master: Master, remote: str, local: Path) -> None:
    """Bring a file here; nothing is left of one that is not whole and right."""
    label = master.destination.label
    with Session(master, script("give", MARKER, remote), f"fetching {remote}") as session:

        def write(target: BinaryIO) -> None:
            sha256, size = _header(session.stdout)
            got = _copy(session.stdout, target)
            code = session.code()
            if code == _NO_FILE:
                raise BoardError(f"{label}: {remote}: there is no such file")
            if code != 0:
                said = in_brackets(session.stderr)
                raise BoardError(f"{label}: {remote} cannot be read{said}")
            if got != (sha256, size):
                raise BoardError(f"{label}: {remote} changed while it was fetched; try again")

        save_atomic(local, write)


def _header(stream: IO[bytes]) -> tuple[str, int]:
    """Digest and size; empty and -1 where the board had nothing to say."""
    for line in stream:
        if line.rstrip() == MARKER.encode():
            digest, size = stream.readline().split()[:1], stream.readline().strip()
            return (digest[0].decode() if digest else ""), int(size or -1)
    return "", -1


def _copy(source: IO[bytes], target: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        target.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size
