"""One command line on the board, over a connection that stands."""

from __future__ import annotations

import contextlib
import subprocess
from types import TracebackType
from typing import IO

from edgeprune.deploy.ssh.master import Master
from edgeprune.deploy.ssh.options import environment
from edgeprune.deploy.ssh.pipes import Tail
from edgeprune.deploy.ssh.processes import end

_LOST = 255
_ENDING_S = 3.0
_STOPPING_S = 8.0  # SIGTERM, five seconds, SIGKILL


class Session:
    """A command line that runs until its end, or until the with statement's.

    Args:
        master: the connection.
        remote: for the shell there.
        what: it is, for messages.

    Attributes:
        stdin: its standard input; what ends programs when it closes.
        stdout: its standard output.
    """

    def __init__(self, master: Master, remote: str, what: str) -> None:
        self._master = master
        self._what = what
        self._process = subprocess.Popen(
            master.client(remote),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self.stdin: IO[bytes] = self._process.stdin
        self.stdout: IO[bytes] = self._process.stdout
        self._stderr = Tail(self._process.stderr)

    def __enter__(self) -> Session:
        """As it is."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, if it has not."""
        end(self._process, _ENDING_S)

    @property
    def has_ended(self) -> bool:
        """Whether it came to its end, or was lost."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Let a program on the board end in order, which it does when its input closes."""
        with contextlib.suppress(OSError):
            self.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOPPING_S)

    @property
    def stderr(self) -> str:
        """The last lines of its standard error, all of them once it has ended."""
        return self._stderr.text(_ENDING_S if self.has_ended else 0.0)

    def tell(self, data: bytes) -> str:
        """Write all of its input, and read all that it answers."""
        with contextlib.suppress(BrokenPipeError):  # it ended before; its code says why
            self.stdin.write(data)
            self.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        return self.stdout.read().decode("utf-8", "replace")

    def code(self, timeout_s: float | None = None) -> int:
        """Wait for its end.

        Raises:
            BoardError: the connection or the session was lost.
            TimeoutError: it goes on.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        if code == _LOST or code < 0:
            raise self._master.lost(self._what)
        return code
