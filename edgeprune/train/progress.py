"""What a person sees of a long training; always on stderr, so stdout stays machine-readable."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from edgeprune.train.score import score_of_row


class Progress:
    """Says nothing; the base of what does, and what the other processes of a run use."""

    def note(self, text: str) -> None:
        """A line about something that happened."""

    def decoding(self, done: int, total: int) -> None:
        """So many of the data's files are decoded."""

    def counting(self, what: str, done: int, total: int) -> None:
        """So many of something are done."""

    def step(self, stage: str, epoch: int, epochs: int, number: int, steps: int) -> None:
        """A training step is done."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done."""

    def replay(self, rows: Sequence[dict[str, Any]]) -> None:
        """Epochs that an earlier process did."""

    def close(self) -> None:
        """No more is to come."""


class ConsoleProgress(Progress):
    """A line per epoch and, in a terminal, a bar within the epoch."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False)
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, soft_wrap=True)

    def decoding(self, done: int, total: int) -> None:
        """Move the bar over the files."""
        self._move("decoding images", done, total)

    def counting(self, what: str, done: int, total: int) -> None:
        """Move the bar."""
        self._move(what, done, total)

    def step(self, stage: str, epoch: int, epochs: int, number: int, steps: int) -> None:
        """Move the bar within the epoch."""
        self._move(f"{stage} epoch {epoch + 1}/{epochs}", number + 1, steps)

    def _move(self, text: str, done: int, total: int) -> None:
        """Draw the bar, where there is a terminal to draw it in."""
        if not self._console.is_terminal:
            return
        if self._bar is None:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=total)
        assert self._task is not None
        self._bar.update(self._task, description=text, completed=done, total=total)

    def epoch(self, row: dict[str, Any]) -> None:
        """Print the epoch's figures."""
        score = score_of_row(row)
        val, shown = score.text(row[f"val_{score.name}"]), ""
        if score.of_training:
            shown = f"train {score.spoken} {score.text(row[f'train_{score.name}']):>8}  "
        size = f"  {row['params']:,.0f} params" if "params" in row else ""
        self.note(
            f"{row['stage']:>10}  epoch {row['epoch'] + 1:>3}  loss {row['loss']:8.4f}  "
            f"{shown}val {score.spoken} {val:>8}{size}  "
            f"{row['seconds']:6.1f} s"
        )

    def replay(self, rows: Sequence[dict[str, Any]]) -> None:
        """Say how much is already there."""
        if rows:
            last = rows[-1]
            score = score_of_row(last)
            self.note(
                f"{last['stage']:>10}  epochs 1-{last['epoch'] + 1} are done "
                f"(val {score.spoken} {score.text(last[f'val_{score.name}'])})"
            )

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
