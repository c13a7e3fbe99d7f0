"""Running programs on the board."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from edgeprune.deploy.ssh.completed import Completed
from edgeprune.deploy.ssh.errors import BoardTimeoutError, MissingProgramError
from edgeprune.deploy.ssh.master import Master
from edgeprune.deploy.ssh.pipes import Lines
from edgeprune.deploy.ssh.remote import MARKER, named, program
from edgeprune.deploy.ssh.session import Session

_NOT_FOUND = 127


def run(master: Master, words: Sequence[str], timeout_s: float | None) -> Completed:
    """Run a program to its end, and keep what it writes."""
    kept: list[str] = []
    until_s = None if timeout_s is None else time.monotonic() + timeout_s

    def left_s() -> float | None:
        return None if until_s is None else max(0.0, until_s - time.monotonic())

    ended = _follow(master, words, kept.append, left_s, f"did not end within {timeout_s} s")
    return Completed(ended.code, "".join(f"{line}\n" for line in kept), ended.stderr)


def stream(
    master: Master,
    words: Sequence[str],
    on_line: Callable[[str], None],
    idle_timeout_s: float | None,
) -> Completed:
    """Run a program, and hand each line on as it comes."""
    silence = f"wrote nothing for {idle_timeout_s} s"
    return _follow(master, words, on_line, lambda: idle_timeout_s, silence)


def _follow(
    master: Master,
    words: Sequence[str],
    on_line: Callable[[str], None],
    patience_s: Callable[[], float | None],
    fault: str,
) -> Completed:
    label, what = master.destination.label, named(words)
    with Session(master, program(words), what) as session:
        lines = Lines(session.stdout)
        try:
            while (line := lines.next(patience_s())) not in (MARKER, None):
                pass
            while (line := lines.next(patience_s())) is not None:
                on_line(line)
            code = session.code(patience_s())
        except TimeoutError:
            session.stop()
            raise BoardTimeoutError(f"{label}: {what} {fault}; it was stopped") from None
        except BaseException:
            session.stop()
            raise
        stderr = session.stderr
    if code == _NOT_FOUND and f"edgeprune: no program {words[0]}" in stderr:
        raise MissingProgramError(f"{label}: {words[0]} is not on the board's PATH; install it")
    return Completed(code, "", stderr)
