"""One connection that everything else goes through (ssh's ControlMaster)."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from edgeprune.deploy.ssh.destination import Destination
from edgeprune.deploy.ssh.diagnosis import Attempt, diagnose, why_lost
from edgeprune.deploy.ssh.errors import BoardError, ConnectionLostError, UnreachableError
from edgeprune.deploy.ssh.options import SshOptions, environment, find_ssh
from edgeprune.deploy.ssh.pipes import Lines, Tail
from edgeprune.deploy.ssh.processes import end
from edgeprune.deploy.ssh.remote import MARKER, script

_LOGIN_S = 20.0  # key exchange, login and the shell's start-up files, on a small board
_FAREWELL_S = 3.0
_PREFIX = "edgeprune-ssh-"
_STALE_S = 3600.0


class Master:
    """A connection, open until `close`.

    Its own session is a process that waits on the board; when this process here dies, whatever
    way, that one ends and the connection with it.

    Args:
        destination: where.
        options: how.

    Attributes:
        destination: where.
        home: the user's home folder there.
        machine: as `uname -m` says, such as `aarch64`.

    Raises:
        EdgepruneError: why there is no connection, in one line.
    """

    def __init__(self, destination: Destination, options: SshOptions) -> None:
        options.check()
        self.destination = destination
        self._options = options
        self._ssh = find_ssh()
        _sweep(Path(_short_folder()))
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_short_folder()))
        self._process = self._start()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._words = Tail(self._process.stderr)
        try:
            self.home, self.machine = self._greeting(Lines(self._process.stdout))
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether ssh still runs."""
        return self._process.poll() is None

    def client(self, remote: str) -> list[str]:
        """What runs a command line on the board over this connection, and over no other."""
        # Without the connection ssh would open one of its own, and nobody would know.
        alone = ["-o", "ProxyCommand=false", "-o", "ControlMaster=no", "-o", "LogLevel=ERROR"]
        arguments = [*alone, *self._options.all, "-S", self._socket, *self.destination.arguments]
        return [self._ssh, *arguments, remote]

    def lost(self, what: str) -> BoardError:
        """The failure of something that ssh gave up, such as a program's name."""
        label = self.destination.label
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)  # it ends a moment after the sessions that it carries
        if self.is_open:
            return BoardError(
                f"{label}: the session of {what} was ended or refused on the board, though the "
                "connection stands; was its shell killed, or does sshd allow too few (MaxSessions)?"
            )
        why = why_lost(self._words.text(1.0))
        return ConnectionLostError(
            f"{label}: the connection was lost ({why}) during {what}; run the same command again"
        )

    def close(self) -> None:
        """Say goodbye, and leave nothing behind."""
        try:
            if self.is_open and Path(self._socket).exists():
                self._say_exit()
            end(self._process, _FAREWELL_S)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _socket(self) -> str:
        return str(self._folder / "s")

    def _start(self) -> subprocess.Popen[bytes]:
        words = [*self._options.all, *self.destination.arguments, script("greet", MARKER)]
        # In a session of its own: Ctrl-C is for this process, which then closes in order.
        return subprocess.Popen(
            [self._ssh, "-M", "-S", self._socket, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )

    def _greeting(self, lines: Lines) -> tuple[str, str]:
        until_s = time.monotonic() + self._options.connect_timeout_s + _LOGIN_S
        try:
            line: str | None = ""
            while line is not None:
                line = lines.next(max(0.0, until_s - time.monotonic()))
                if line == MARKER:
                    return lines.next(_LOGIN_S) or "", lines.next(_LOGIN_S) or ""
        except TimeoutError:
            label = self.destination.label
            raise UnreachableError(
                f"{label}: no shell answered in time; is the board too busy?"
            ) from None
        words = self._words.text(_FAREWELL_S)
        raise diagnose(Attempt(self.destination, self._options, words))

    def _say_exit(self) -> None:
        words = [self._ssh, "-S", self._socket, "-O", "exit", *self.destination.arguments]
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_FAREWELL_S,
                check=False,
            )


def _short_folder() -> str:
    """A socket's path holds 108 bytes, fewer than some folders for temporary files take."""
    return "/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir()


def _sweep(folder: Path) -> None:
    """Remove what killed processes of the past left: empty folders, since ssh takes its socket."""
    for left in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or in use
            if left.stat().st_mtime < time.time() - _STALE_S:
                left.rmdir()
