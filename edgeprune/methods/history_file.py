"""history.jsonl: a line per epoch of every stage, complete after each epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeprune.atomic import write_text_atomic
from edgeprune.train.progress import Progress


class RecordedProgress(Progress):
    """Passes everything on to `shown` and keeps the history file in step.

    The file is rewritten whole: it is small, and a killed run then never leaves half a line or an
    epoch that its state has not.
    """

    def __init__(self, path: Path, shown: Progress) -> None:
        self._path = path
        self._shown = shown
        self._rows: list[dict[str, Any]] = []

    def note(self, text: str) -> None:
        """Pass on."""
        self._shown.note(text)

    def decoding(self, done: int, total: int) -> None:
        """Pass on."""
        self._shown.decoding(done, total)

    def counting(self, what: str, done: int, total: int) -> None:
        """Pass on."""
        self._shown.counting(what, done, total)

    def step(self, stage: str, epoch: int, epochs: int, number: int, steps: int) -> None:
        """Pass on."""
        self._shown.step(stage, epoch, epochs, number, steps)

    def epoch(self, row: dict[str, Any]) -> None:
        """Add a line."""
        self._rows.append(row)
        self._write()
        self._shown.epoch(row)

    def replay(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take over the lines of an earlier process."""
        self._rows += rows
        self._write()
        self._shown.replay(rows)

    def close(self) -> None:
        """Pass on."""
        self._shown.close()

    def _write(self) -> None:
        write_text_atomic(self._path, "".join(json.dumps(row) + "\n" for row in self._rows))
