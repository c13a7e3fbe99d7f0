"""A board at the other end of ssh."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from edgeprune.deploy.ssh import programs
from edgeprune.deploy.ssh.completed import Completed
from edgeprune.deploy.ssh.destination import Destination, parse_destination
from edgeprune.deploy.ssh.errors import BoardCommandError
from edgeprune.deploy.ssh.fetch import fetch
from edgeprune.deploy.ssh.lock import hold
from edgeprune.deploy.ssh.master import Master
from edgeprune.deploy.ssh.options import SshOptions
from edgeprune.deploy.ssh.push import push
from edgeprune.deploy.ssh.remote import named
from edgeprune.deploy.ssh.transfer import Progress, Transfer, say_nothing

FOLDER = "~/.cache/edgeprune"


class Board:
    """What a connection to a board can do. Every failure of the connection is a `BoardError`.

    Args:
        master: the connection.
    """

    def __init__(self, master: Master) -> None:
        self._master = master

    @property
    def label(self) -> str:
        """The board, for people."""
        return self._master.destination.label

    @property
    def home(self) -> str:
        """The user's home folder there."""
        return self._master.home

    @property
    def machine(self) -> str:
        """As `uname -m` says, such as `aarch64`."""
        return self._master.machine

    def path(self, text: str) -> str:
        """A path there without `~`; relative ones begin at the home folder."""
        if text == "~" or text.startswith("~/"):
            text = text[2:]
        return text.rstrip("/") if text.startswith("/") else f"{self.home}/{text}".rstrip("/")

    def run(
        self, words: Sequence[str], *, timeout_s: float | None = 60.0, check: bool = False
    ) -> Completed:
        """Run a program to its end.

        It ends when this process or the connection does: first SIGTERM, then SIGKILL.

        Args:
            words: the program and its arguments; no shell reads them.
            timeout_s: after which it is stopped; None for never.
            check: whether a code other than 0 is a failure.

        Raises:
            BoardError: the connection was lost, the program is not there, or it took too long.
            BoardCommandError: with `check`, its code is not 0.
        """
        completed = programs.run(self._master, words, timeout_s)
        if check and completed.code != 0:
            said = f": {completed.last_words}" if completed.last_words else ""
            raise BoardCommandError(
                f"{self.label}: {named(words)} ended with code {completed.code}{said}", completed
            )
        return completed

    def stream(
        self,
        words: Sequence[str],
        on_line: Callable[[str], None],
        *,
        idle_timeout_s: float | None = 60.0,
    ) -> Completed:
        """Run a program and hand on each line as it comes; it ends as one of `run` does.

        Args:
            words: the program and its arguments.
            on_line: gets each line, in the caller's thread; what it raises stops the program.
            idle_timeout_s: of silence, after which it is stopped; None for never.

        Raises:
            BoardError: the connection was lost, the program is not there, or it was silent.
        """
        return programs.stream(self._master, words, on_line, idle_timeout_s)

    def which(self, *names: str) -> str | None:
        """Path of the first of these programs that is there."""
        for name in names:
            found = self.run(["sh", "-c", f"command -v {shlex.quote(name)}"])
            if found.code == 0:
                return found.stdout.strip()
        return None

    def push(
        self,
        files: Mapping[str, Path],
        folder: str = FOLDER,
        *,
        beside: str | None = None,
        tell: Callable[[Progress], None] = say_nothing,
    ) -> Transfer:
        """Bring files there, send only what is missing, and let `current` point to them.

        Args:
            files: by their names in the bundle, with `/` between folders.
            folder: there; it holds `blobs`, `bundles` and `current`. Hold its lock.
            beside: another such folder, from which the board copies what it has.
            tell: gets the bytes as they go.

        Raises:
            BoardError: the connection was lost, or the disk is full or not writable.
            LocalFileChangedError: a file changed here meanwhile.
        """
        other = None if beside is None else self.path(beside)
        return push(self._master, files, self.path(folder), other, tell)

    def fetch(self, remote: str, local: Path) -> None:
        """Bring a file here; the old one stays until the new one is whole and right.

        Raises:
            BoardError: it is not there, changed meanwhile, or the connection was lost.
        """
        fetch(self._master, self.path(remote), local)

    def lock(
        self,
        folder: str = FOLDER,
        *,
        wait_s: float = 0.0,
        tell: Callable[[str], None] = say_nothing,
    ) -> AbstractContextManager[None]:
        """Be alone in a folder there, for as long as the connection stands.

        Args:
            folder: there.
            wait_s: for another deploy to finish.
            tell: gets a line when there is one to wait for.

        Raises:
            BoardBusyError: another deploy is in it; the line says whose, and since when.
        """
        return hold(self._master, self.path(folder), wait_s, tell)


@contextmanager
def connect(destination: str | Destination, options: SshOptions | None = None) -> Iterator[Board]:
    """A connection to a board, with the system's ssh and all that the user has set up for it.

    Args:
        destination: `[user@]host[:port]`.
        options: what to ask of ssh beyond its configuration.

    Raises:
        UserInputError: a destination or an option that is none.
        BoardError: why there is no connection.
    """
    where = parse_destination(destination) if isinstance(destination, str) else destination
    master = Master(where, options or SshOptions())
    try:
        yield Board(master)
    finally:
        master.close()
