"""Sending one file after another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import IO

from edgeprune.deploy.ssh.errors import BoardDiskFullError, BoardError, LocalFileChangedError
from edgeprune.deploy.ssh.local_file import LocalFile
from edgeprune.deploy.ssh.master import Master
from edgeprune.deploy.ssh.remote import script
from edgeprune.deploy.ssh.session import Session
from edgeprune.deploy.ssh.transfer import Progress
from edgeprune.deploy.ssh.words import in_brackets

_CHUNK = 1 << 16


class Sender:
    """Sends files to a folder of the board.

    Args:
        master: the connection.
        folder: there.
        total_bytes: that are going to be sent.
        tell: gets the bytes as they go.

    Attributes:
        sent_bytes: so far.
    """

    def __init__(
        self, master: Master, folder: str, total_bytes: int, tell: Callable[[Progress], None]
    ) -> None:
        self._master = master
        self._folder = folder
        self._total_bytes = total_bytes
        self._tell = tell
        self.sent_bytes = 0

    def send(self, file: LocalFile, begun: int) -> None:
        """Send a file from this byte on; all of it where the board's first part was not right.

        Raises:
            BoardError: the connection was lost, or the disk is full.
            LocalFileChangedError: the file changed here meanwhile.
        """
        label = self._master.destination.label
        answer = self._try(file, begun)
        if answer != "whole" and file.has_changed():
            raise LocalFileChangedError(
                f"{file.path} changed while it was copied; nothing of it is in use on {label}; "
                "run the same command again"
            )
        if answer != "whole" and begun:
            self._total_bytes += file.size
            answer = self._try(file, 0)
        if answer != "whole":
            raise BoardError(
                f"{label}: {file.name} did not arrive as it was sent; is another deploy at work, "
                "or the board's disk failing?"
            )

    def _try(self, file: LocalFile, begun: int) -> str:
        remote = script("receive", self._folder, file.sha256, file.size, begun)
        with (
            Session(self._master, remote, f"copying {file.name}") as session,
            file.path.open("rb") as source,
        ):
            source.seek(begun)
            # The board stops listening when it fails; its answer says why.
            with contextlib.suppress(BrokenPipeError):
                self._pour(source, session.stdin, file, file.size - begun)
            with contextlib.suppress(BrokenPipeError):
                session.stdin.close()
            answer = session.stdout.read().decode("utf-8", "replace").split()
            if session.code() != 0:
                raise refused(self._master.destination.label, self._folder, session.stderr)
        return answer[-1] if answer else ""

    def _pour(self, source: IO[bytes], target: IO[bytes], file: LocalFile, left: int) -> None:
        while left and (chunk := source.read(min(_CHUNK, left))):
            target.write(chunk)
            left -= len(chunk)
            self.sent_bytes += len(chunk)
            self._tell(Progress(self.sent_bytes, self._total_bytes, file.name))


def refused(label: str, folder: str, stderr: str) -> BoardError:
    """Why the board could not write."""
    if "No space left on device" in stderr or "Disk quota exceeded" in stderr:
        return BoardDiskFullError(
            f"{label}: {folder}: the disk is full; what was begun is removed; free some space, or "
            "name a --folder on another disk"
        )
    return BoardError(f"{label}: {folder} cannot be written{in_brackets(stderr)}")
