"""How far a TensorRT build is, as bars on stderr."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class BuildBars:
    """A bar for each phase of a build; they go when it is over. Shown on a terminal only."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """Add a bar."""
        indent = "  " if parent else ""
        self._tasks[phase] = self._bars.add_task(indent + phase, total=steps)

    def step(self, phase: str, done: int) -> None:
        """Move it."""
        if phase in self._tasks:
            self._bars.update(self._tasks[phase], completed=done)

    def end(self, phase: str) -> None:
        """Remove it."""
        if phase in self._tasks:
            self._bars.remove_task(self._tasks.pop(phase))

    def __enter__(self) -> BuildBars:
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
