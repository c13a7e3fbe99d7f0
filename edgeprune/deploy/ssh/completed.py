"""How a program on the board ended."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.deploy.ssh.words import last_line


@dataclass(frozen=True)
class Completed:
    """What is left of a program.

    Attributes:
        code: exit code; 128 + N for a program that signal N killed.
        stdout: what it wrote; empty where lines were handed on as they came.
        stderr: what it wrote there, the last part of it.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def last_words(self) -> str:
        """The last line that tells anything."""
        return last_line(self.stdout, self.stderr)
