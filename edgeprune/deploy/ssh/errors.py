"""Failures between this machine and a board, one line each."""

from __future__ import annotations

from edgeprune.deploy.ssh.completed import Completed
from edgeprune.errors import EdgepruneError, UnsupportedError


class BoardError(UnsupportedError):
    """A board that cannot be reached or used as it is; exit code 5."""


class UnreachableError(BoardError):
    """No name, no route, nobody listening, or no answer in time."""


class HostKeyError(BoardError):
    """The board's host key is unknown here, or not the one that is known."""


class NotAdmittedError(BoardError):
    """The board accepts none of the user's keys."""


class ConnectionLostError(BoardError):
    """The connection ended while something was going on."""


class BoardTimeoutError(BoardError):
    """A program on the board did not end, or was silent, for too long; it was stopped."""


class BoardBusyError(BoardError):
    """Another deploy works in the same folder of the board."""


class BoardDiskFullError(BoardError):
    """The board has too little free disk for the files."""


class MissingProgramError(BoardError):
    """A program that the board lacks."""


class BoardCommandError(EdgepruneError):
    """A program on the board ended with another code than 0; exit code 1.

    Attributes:
        completed: how it ended.
    """

    def __init__(self, line: str, completed: Completed) -> None:
        super().__init__(line)
        self.completed = completed


class LocalFileChangedError(EdgepruneError):
    """A file changed here while it was being copied; exit code 1."""
