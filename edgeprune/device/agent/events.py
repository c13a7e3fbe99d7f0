"""What the agent tells: JSON lines for a program, plain lines for a person."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from typing import Any, Mapping, TextIO

_EVERY_S = 0.5  # progress is told no more often


class Events(ABC):
    """Where the agent's words go."""

    @abstractmethod
    def step(self, text: str) -> None:
        """Something begins."""

    @abstractmethod
    def note(self, text: str) -> None:
        """Something that a reader of the results should know."""

    @abstractmethod
    def progress(self, phase: str, done: int, steps: int) -> None:
        """How far a phase is."""

    @abstractmethod
    def sample(self, at_s: float, rails_mw: Mapping[str, float], total_mw: float | None) -> None:
        """One reading of the power, stamped with monotonic seconds."""

    @abstractmethod
    def result(self, kind: str, values: Mapping[str, Any]) -> None:
        """What a command found out."""

    @abstractmethod
    def failure(self, exit_code: int, line: str) -> None:
        """Why a command ends early."""


class JsonEvents(Events):
    """A line of JSON for each event, with `event` and `at_s`, monotonic seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step(self, text: str) -> None:
        self._write("step", text=text)

    def note(self, text: str) -> None:
        self._write("note", text=text)

    def progress(self, phase: str, done: int, steps: int) -> None:
        self._write("progress", phase=phase, done=done, steps=steps)

    def sample(self, at_s: float, rails_mw: Mapping[str, float], total_mw: float | None) -> None:
        self._write("sample", read_s=at_s, rails_mw=dict(rails_mw), total_mw=total_mw)

    def result(self, kind: str, values: Mapping[str, Any]) -> None:
        self._write("result", kind=kind, values=values)

    def failure(self, exit_code: int, line: str) -> None:
        self._write("failure", exit_code=exit_code, line=line)

    def _write(self, event: str, **values: Any) -> None:
        line = json.dumps({"event": event, "at_s": round(time.monotonic(), 3), **values})
        self._stream.write(line + "\n")
        self._stream.flush()


class TextEvents(Events):
    """For a terminal; results are indented JSON."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step(self, text: str) -> None:
        self._line(text)

    def note(self, text: str) -> None:
        self._line(f"note: {text}")

    def progress(self, phase: str, done: int, steps: int) -> None:
        self._line(f"  {phase}: {done} of {steps}")

    def sample(self, at_s: float, rails_mw: Mapping[str, float], total_mw: float | None) -> None:
        rails = "  ".join(f"{name} {power:.0f} mW" for name, power in rails_mw.items())
        self._line(
            f"{at_s:.2f} s  {rails}" + ("" if total_mw is None else f"  = {total_mw:.0f} mW")
        )

    def result(self, kind: str, values: Mapping[str, Any]) -> None:
        self._line(f"{kind}:\n{json.dumps(values, indent=1)}")

    def failure(self, exit_code: int, line: str) -> None:
        self._line(f"edgeprune-agent: {line}")

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class Silent(Events):
    """For programs of users, which want the model and no words."""

    def step(self, text: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def progress(self, phase: str, done: int, steps: int) -> None:
        """Nothing."""

    def sample(self, at_s: float, rails_mw: Mapping[str, float], total_mw: float | None) -> None:
        """Nothing."""

    def result(self, kind: str, values: Mapping[str, Any]) -> None:
        """Nothing."""

    def failure(self, exit_code: int, line: str) -> None:
        """Nothing."""


class EventProgress:
    """A build's progress as events, so seldom that they cost nothing."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._steps: dict[str, int] = {}
        self._told_s = 0.0

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """A phase begins."""
        self._steps[phase] = steps

    def step(self, phase: str, done: int) -> None:
        """So many of its steps are done."""
        now_s = time.monotonic()
        if now_s - self._told_s >= _EVERY_S:
            self._told_s = now_s
            self._events.progress(phase, done, self._steps.get(phase, done))

    def end(self, phase: str) -> None:
        """It is over."""
        self._steps.pop(phase, None)
