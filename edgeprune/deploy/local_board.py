"""This machine in the place of a board at the other end of ssh."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from edgeprune.deploy.ssh.completed import Completed
from edgeprune.deploy.ssh.processes import end
from edgeprune.deploy.ssh.transfer import Progress, Transfer, say_nothing
from edgeprune.device.cache import cache_folder
from edgeprune.errors import UnsupportedError

_LAST = 4096  # bytes of stderr that are kept
_LOOK_S = 0.2
_ENDING_S = 10.0  # clocks are put back, sensors closed


class LocalBoard:
    """Programs and files here, with the interface of `edgeprune.deploy.ssh.Board`."""

    label = "this machine"

    def path(self, text: str) -> str:
        """A path without `~`."""
        return str(Path(text).expanduser())

    def which(self, *names: str) -> str | None:
        """Path of the first of these programs that is there."""
        return next(filter(None, map(shutil.which, names)), None)

    def stream(
        self,
        words: Sequence[str],
        on_line: Callable[[str], None],
        *,
        idle_timeout_s: float | None = None,
    ) -> Completed:
        """Run a program and hand on each line as it comes; it ends when this process does."""
        # A file, since nobody would empty a pipe while lines are read. In a session of its own:
        # Ctrl-C is for this process, and one signal from here lets the program end in order.
        with tempfile.TemporaryFile() as said, subprocess.Popen(
            list(words), stdout=subprocess.PIPE, stderr=said, stdin=subprocess.DEVNULL,
            encoding="utf-8", errors="replace", start_new_session=True,
        ) as program:  # fmt: skip
            assert program.stdout is not None
            try:
                for line in program.stdout:
                    on_line(line)
                code = program.wait()
            except BaseException:
                end(program, _ENDING_S)
                raise
            said.seek(0)
            last = said.read()[-_LAST:].decode("utf-8", "replace")
        return Completed(code, "", last)

    def push(
        self,
        files: Mapping[str, Path],
        folder: str = "",
        *,
        beside: str | None = None,
        tell: Callable[[Progress], None] = say_nothing,
    ) -> Transfer:
        """Nothing has to go anywhere: files of a bundle lie in one folder."""
        first = next(iter(files.values()))
        return Transfer(str(first.parent.resolve()), 0, (), tuple(files))

    @contextlib.contextmanager
    def lock(
        self,
        folder: str = "",
        *,
        wait_s: float = 0.0,
        tell: Callable[[str], None] = say_nothing,
    ) -> Iterator[None]:
        """Be the only deploy on this machine.

        Raises:
            UnsupportedError: there is another.
        """
        path = cache_folder() / "deploy.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(descriptor, time.monotonic() + wait_s)
            yield
        finally:
            os.close(descriptor)


def _take(descriptor: int, until_s: float) -> None:
    while not _taken(descriptor):
        if time.monotonic() >= until_s:
            raise UnsupportedError(
                "this machine: another deploy is measuring; wait for it with --wait SECONDS"
            )
        time.sleep(_LOOK_S)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
