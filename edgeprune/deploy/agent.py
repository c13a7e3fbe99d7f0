"""The agent on a board, called from here."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from edgeprune.deploy.ssh.completed import Completed
from edgeprune.errors import EdgepruneError, UnsupportedError

_SILENCE_S = 3600.0  # TensorRT 8 and trtexec say nothing while they build
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


class Programs(Protocol):
    """Whatever runs programs on a board."""

    @property
    def label(self) -> str:
        """The board, for people."""

    def stream(
        self,
        words: Sequence[str],
        on_line: Callable[[str], None],
        *,
        idle_timeout_s: float | None = 60.0,
    ) -> Completed:
        """Run a program and hand on each line as it comes."""


class AgentError(EdgepruneError):
    """What the agent says why it cannot go on; `exit_code` is the agent's."""

    def __init__(self, line: str, exit_code: int) -> None:
        super().__init__(line)
        self.exit_code = exit_code


class Listener:
    """Who hears what the agent tells; this one does nothing."""

    def step(self, text: str) -> None:
        """Something begins."""

    def note(self, text: str) -> None:
        """Something that a reader of the results should know."""

    def progress(self, phase: str, done: int, steps: int) -> None:
        """How far a phase is."""


class Agent:
    """The archive on a board, and the Python that runs it.

    Args:
        board: runs programs.
        python: its interpreter there.
        archive: path of the agent there.
        listener: hears of its steps.
        options: of the agent, before its command.
    """

    def __init__(
        self,
        board: Programs,
        python: str,
        archive: str,
        listener: Listener,
        options: Sequence[str] = (),
    ) -> None:
        self._board = board
        self._words = [python, archive, "--format", "json", *options]
        self._listener = listener

    def call(self, words: Sequence[str]) -> dict[str, Any]:
        """Run a command of the agent; its result.

        Args:
            words: the command and its options.

        Raises:
            AgentError: it fails; the line begins with the board.
            EdgepruneError: the connection is lost.
        """
        heard = _Heard(self._listener)
        ended = self._board.stream([*self._words, *words], heard.line, idle_timeout_s=_SILENCE_S)
        if heard.failure is not None:
            line, code = heard.failure
            raise AgentError(f"{self._board.label}: {_printable(line)}", code)
        if ended.code in _KILLED:
            raise AgentError(
                f"{self._board.label}: the agent was killed during {words[0]}, most often because "
                "memory ran out: end other programs there or add swap, and run the same command "
                "again",
                UnsupportedError.exit_code,
            )
        if ended.code or words[0] not in heard.results:
            said = f": {_printable(ended.last_words)}" if ended.last_words else ""
            raise AgentError(
                f"{self._board.label}: the agent ended with code {ended.code}{said}",
                ended.code if ended.code in (2, 5) else 1,
            )
        return heard.results[words[0]]


class _Heard:
    """What came on the agent's stdout."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.results: dict[str, dict[str, Any]] = {}
        self.failure: tuple[str, int] | None = None

    def line(self, text: str) -> None:
        """One line; what is no event, such as a library's greeting, is passed over."""
        try:
            told = json.loads(text)
            self._event(told["event"], told)
        except (ValueError, KeyError, TypeError):
            return

    def _event(self, event: str, told: dict[str, Any]) -> None:
        if event == "step":
            self._listener.step(str(told["text"]))
        elif event == "note":
            self._listener.note(str(told["text"]))
        elif event == "progress":
            self._listener.progress(str(told["phase"]), int(told["done"]), int(told["steps"]))
        elif event == "result":
            self.results[str(told["kind"])] = told["values"]
        elif event == "failure":
            self.failure = str(told["line"]), int(told["exit_code"])


def _printable(text: str) -> str:
    """A board's words on one line, control characters escaped."""
    line = " ".join(text.split())
    return line if line.isprintable() else ascii(line)[1:-1]
