"""Readings as a CSV file that grows line by line.

Every line is handed to the system when it is written: whatever ends the program, the lines before
are whole.
"""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Callable, Sequence

from edgeprune.device.power.recorder import Row


class CsvLog:
    """Writes `t_s,total_mw,RAIL_mw,...`; the first column counts from the window's beginning.

    Args:
        path: to write; what was there is replaced.
        rails: its columns.
        start_s: when the window began, monotonic seconds.
    """

    def __init__(self, path: Path, rails: Sequence[str], start_s: float) -> None:
        self._rails = tuple(rails)
        self._start_s = start_s
        self._stream = path.open("w", encoding="utf-8", newline="", buffering=1)
        self._write = csv.writer(self._stream, lineterminator="\n").writerow
        self._write(["t_s", "total_mw", *(f"{rail}_mw" for rail in self._rails)])

    def add(self, rows: Sequence[Row]) -> None:
        """Write readings; the total is empty where there is none."""
        for row in rows:
            total = "" if row.total_mw is None else f"{row.total_mw:.1f}"
            powers = (f"{row.rails_mw[rail]:.1f}" for rail in self._rails)
            self._write([f"{row.at_s - self._start_s:.4f}", total, *powers])

    def beside(self, see: Callable[[Sequence[Row]], None]) -> Callable[[Sequence[Row]], None]:
        """What writes readings and hands them on to `see`."""

        def both(rows: Sequence[Row]) -> None:
            self.add(rows)
            see(rows)

        return both

    def __enter__(self) -> CsvLog:
        """Nothing more to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._stream.close()
