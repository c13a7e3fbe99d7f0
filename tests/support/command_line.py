"""Run the command line in this process and look at what a user sees of a failure."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeprune.cli.main import run


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """Lines that say what is wrong; the others are progress."""
        return [line for line in self.err.splitlines() if line.startswith("edgeprune: ")]


class _Heard(io.StringIO):
    """Tells each line as it is written."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__()
        self._hear = hear

    def write(self, text: str) -> int:
        self._hear(text)
        return super().write(text)


def edgeprune(*arguments: str | Path, hear: Callable[[str], None] | None = None) -> Ended:
    """Run one command to its end; `hear` gets what it writes on stderr as it does."""
    out, err = io.StringIO(), _Heard(hear) if hear else io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        run([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return Ended(end.value.code, out.getvalue(), err.getvalue())


def complaint(ended: Ended, code: int) -> str:
    """The one line of a failure, after checking that it is one and that nothing else is said."""
    assert ended.code == code, ended.err
    assert len(ended.complaints) == 1, ended.err
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1] == ended.complaints[0]
    assert "unexpected" not in ended.complaints[0]
    assert ended.complaints[0].isprintable()
    assert len(ended.complaints[0]) < 700
    return ended.complaints[0]


def leftovers(folder: Path) -> Sequence[Path]:
    """Temporary files and results that a refused command must not leave."""
    return [*folder.rglob("*.tmp"), *folder.rglob("student.*"), *folder.rglob("report.*")]
