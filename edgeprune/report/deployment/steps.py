"""The steps of a deploy as lines on stderr, with a bar where there is a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from edgeprune.deploy.agent import Listener


class StepLines(Listener):
    """A line for each step; use it in a with statement, so that the bar goes.

    Args:
        stream: to write to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._phase = ""

    def step(self, text: str) -> None:
        """Write a line."""
        self._clear()
        self._console.print(text, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Write a line that stands out."""
        self._console.print(f"note: {text}", markup=False, soft_wrap=True)

    def progress(self, phase: str, done: int, steps: int) -> None:
        """Move the bar; another phase gets a new one."""
        if self._task is None or phase != self._phase:
            self._clear()
            self._phase = phase
            self._task = self._bars.add_task(phase, total=steps)
        self._bars.update(self._task, completed=done, total=steps)

    def _clear(self) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def __enter__(self) -> StepLines:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._bars.stop()
