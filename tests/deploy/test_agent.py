"""What the host makes of the agent's lines, whatever else comes between them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.deploy.agent import Agent, AgentError, Listener
from edgeprune.deploy.ssh import Completed


class Replayed:
    """A board whose programs write these lines."""

    label = "the board"

    def __init__(self, lines: Sequence[str], code: int = 0, stderr: str = "") -> None:
        self._lines, self._ended = lines, Completed(code, "", stderr)
        self.words: list[str] = []

    def stream(
        self,
        words: Sequence[str],
        on_line: Callable[[str], None],
        *,
        idle_timeout_s: float | None = None,
    ) -> Completed:
        self.words = list(words)
        for line in self._lines:
            on_line(line)
        return self._ended


class Heard(Listener):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple] = []

    def step(self, text: str) -> None:
        self.events.append(("step", text))

    def note(self, text: str) -> None:
        self.events.append(("note", text))

    def progress(self, phase: str, done: int, steps: int) -> None:
        self.events.append(("progress", phase, done, steps))


def _line(event: str, **values: object) -> str:
    return json.dumps({"event": event, "at_s": 1.0, **values})


def test_events_reach_the_listener_and_the_result_the_caller() -> None:
    lines = [
        _line("step", text="building"), "[TRT] a library's greeting", "{}", "[]", "3", "",
        _line("progress", phase="tactics", done=3, steps=9), _line("note", text="slow"),
        _line("new-kind", text="of a newer agent"), _line("progress", phase="x"),
        _line("result", kind="probe", values={"a": 1}),
    ]  # fmt: skip
    board, heard = Replayed(lines), Heard()
    assert Agent(board, "python3", "agent.pyz", heard).call(["probe"]) == {"a": 1}
    assert board.words == ["python3", "agent.pyz", "--format", "json", "probe"]
    assert heard.events == [
        ("step", "building"), ("progress", "tactics", 3, 9), ("note", "slow"),
    ]  # fmt: skip


def test_failures_keep_their_line_and_code() -> None:
    told = _line("failure", exit_code=3, line="student: 2 dB\n\x1b[31m")
    with pytest.raises(AgentError, match="the board: student: 2 dB") as failure:
        Agent(Replayed([told], 3), "python3", "a", Heard()).call(["verify"])
    assert failure.value.exit_code == 3
    assert str(failure.value).isprintable()


@pytest.mark.parametrize(("code", "exit_code"), [(5, 5), (2, 2), (139, 1), (0, 1)])
def test_an_agent_that_says_nothing(code: int, exit_code: int) -> None:
    board = Replayed([_line("step", text="x")], code, "warning\nneeds Python 3.8 or newer\n")
    with pytest.raises(AgentError, match=rf"code {code}: needs Python 3.8") as failure:
        Agent(board, "python3", "a", Heard()).call(["probe"])
    assert failure.value.exit_code == exit_code


@pytest.mark.parametrize("code", [137, -9])
def test_an_agent_that_was_killed(code: int) -> None:
    with pytest.raises(AgentError, match="killed during build, most often because") as failure:
        Agent(Replayed([], code, "Killed"), "python3", "a", Heard()).call(["build", "bundle"])
    assert failure.value.exit_code == 5


@given(st.lists(st.text()))
def test_no_line_breaks_it(lines: list[str]) -> None:
    lines = [*lines, _line("result", kind="probe", values={})]
    assert Agent(Replayed(lines), sys.executable, "a", Heard()).call(["probe"]) == {}
