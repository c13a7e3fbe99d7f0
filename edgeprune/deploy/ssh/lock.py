"""Being alone in a folder of the board."""

from __future__ import annotations

import contextlib
import getpass
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

from edgeprune.deploy.ssh.errors import BoardBusyError, BoardError, MissingProgramError
from edgeprune.deploy.ssh.master import Master
from edgeprune.deploy.ssh.pipes import Lines
from edgeprune.deploy.ssh.remote import script
from edgeprune.deploy.ssh.session import Session
from edgeprune.deploy.ssh.words import in_brackets
from edgeprune.wording import shown

_BUSY, _NO_FOLDER, _NO_PROGRAM = 75, 73, 127
_BEAT_S = 10.0
_PATIENCE_S = 60  # the board gives the lock up when it hears nothing for so long,
_LEAVE_S = 6  # and what its programs may take to end then
_ANSWER_S = 60.0
_RELEASE_S = 5.0


@contextlib.contextmanager
def hold(master: Master, folder: str, wait_s: float, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a folder on the board."""
    remote = script("hold", folder, _who(), math.ceil(wait_s), _PATIENCE_S, _LEAVE_S)
    with Session(master, remote, "locking") as session:
        lines = Lines(session.stdout)
        _await(master, session, lines, folder, wait_s, tell)
        stop = threading.Event()
        beat = threading.Thread(target=_beat, args=(session.stdin, stop), daemon=True)
        beat.start()
        try:
            yield
        finally:
            stop.set()
            beat.join()
            was_held = _release(session, lines)
        if not was_held:
            raise BoardError(
                f"{master.destination.label}: the lock of {folder} was lost meanwhile, and "
                "another deploy may have come between; run the same command again"
            )


def _await(
    master: Master,
    session: Session,
    lines: Lines,
    folder: str,
    wait_s: float,
    tell: Callable[[str], None],
) -> None:
    label = master.destination.label
    holder = "another deploy"
    try:
        while (line := lines.next(wait_s + _ANSWER_S)) != "held":
            if line is None:
                raise _refusal(label, folder, holder, session)
            if line.startswith("busy "):
                holder = shown(line[5:]) or holder
                if wait_s > 0:
                    tell(f"{label}: waiting for {holder}, at most {wait_s:.0f} s")
    except TimeoutError:
        raise BoardError(f"{label}: {folder}: locking it took too long") from None


def _refusal(label: str, folder: str, holder: str, session: Session) -> BoardError:
    code = session.code(_RELEASE_S)
    why = in_brackets(session.stderr)
    if code == _BUSY:
        return BoardBusyError(
            f"{label}: {folder} is in use by {holder}; --wait waits for it, another --folder "
            "works beside it"
        )
    if code == _NO_PROGRAM:
        return MissingProgramError(f"{label}: flock is not on the board's PATH; install util-linux")
    if code == _NO_FOLDER:
        return BoardError(f"{label}: {folder} cannot be written{why}")
    return BoardError(f"{label}: {folder} cannot be locked{why}")


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return f"{user}@{socket.gethostname()} (process {os.getpid()}) since {since}"


def _beat(stream: IO[bytes], stop: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while not stop.wait(_BEAT_S):
            stream.write(b".")
            stream.flush()


def _release(session: Session, lines: Lines) -> bool:
    """Whether the lock was held until now."""
    with contextlib.suppress(OSError):
        session.stdin.close()
    with contextlib.suppress(TimeoutError):
        return lines.next(_RELEASE_S) == "released"
    return False
