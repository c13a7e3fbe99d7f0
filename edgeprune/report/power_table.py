"""Power as the terminal shows it: live while it is measured, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from edgeprune.device.power import PowerResult, Row, Window
from edgeprune.report.numerals import ABSENT, duration, watts

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_TOTAL = "total"


class LivePower:
    """A table on stderr that follows a window; on a terminal only.

    Args:
        window: entered.
        console: to draw on; None for stderr.
    """

    def __init__(self, window: Window, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._window = window
        self._seen: dict[str, _Seen] = {}
        self._readings = 0
        console = console or Console(stderr=True)
        self._live = Live(console=console, transient=True, auto_refresh=False)
        self._is_shown = console.is_terminal

    def add(self, rows: Sequence[Row]) -> None:
        """Show these readings too."""
        for row in rows:
            self._readings += 1
            for name, power_mw in row.rails_mw.items():
                self._seen.setdefault(name, _Seen()).add(power_mw)
            if row.total_mw is not None:
                self._seen.setdefault(_TOTAL, _Seen()).add(row.total_mw)
        if self._is_shown and rows:
            self._live.update(self._table(rows[-1].at_s - self._window.start_s), refresh=True)

    def __enter__(self) -> LivePower:
        """Begin to draw."""
        if self._is_shown:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        if self._is_shown:
            self._live.stop()

    def _table(self, seconds: float) -> Table:
        sensor = self._window.sensor
        name = "" if sensor is None else sensor.name
        table = _empty(f"{name}, {seconds:.0f} s, {self._readings} readings")
        for heading in ("now W", "mean W", "peak W"):
            table.add_column(heading, justify="right", no_wrap=True)
        for rail, seen in self._seen.items():
            table.add_row(
                rail, watts(seen.now_mw), watts(seen.mean_mw), watts(seen.peak_mw),
                style="bold" if rail == _TOTAL else None,
            )  # fmt: skip
        return table


class _Seen:
    """One rail's readings so far."""

    def __init__(self) -> None:
        self.now_mw = self.peak_mw = float("-inf")
        self._sum_mw = 0.0
        self._count = 0

    def add(self, power_mw: float) -> None:
        self.now_mw = power_mw
        self.peak_mw = max(self.peak_mw, power_mw)
        self._sum_mw += power_mw
        self._count += 1

    @property
    def mean_mw(self) -> float:
        return self._sum_mw / self._count


def power_table(found: PowerResult) -> RenderableType:
    """A window's figures, ready for `rich.console.Console.print`."""
    from rich.console import Group
    from rich.text import Text

    words = [Text(line) for line in power_lines(found)]
    return Group(_rails(found), *words) if found.rails_mw else Group(*words)


def power_lines(found: PowerResult) -> list[str]:
    """Total, how it was measured, and what speaks against it."""
    told = []
    if found.energy_j is not None and found.mean_w is not None and found.peak_w is not None:
        told.append(
            f"{found.energy_j:.4g} J in {found.duration_s:.1f} s: {watts(1000 * found.mean_w)} W, "
            f"at most {watts(1000 * found.peak_w)} W ({found.scope})"
        )
    told.append(
        f"{found.sensor or ABSENT}: {found.samples} readings in {duration(found.duration_s)}, "
        f"{found.rate_hz:.1f} a second"
    )
    if found.reason:
        told.append(f"{'void' if found.is_void else 'no total'}: {found.reason}")
    return told + [f"note: {line}" for line in found.notes]


def _rails(found: PowerResult) -> Table:
    table = _empty("")
    table.add_column("mean W", justify="right", no_wrap=True)
    for rail, mean_mw in (found.rails_mw or {}).items():
        table.add_row(rail, watts(mean_mw))
    if found.total_mw is not None:
        table.add_row(f"{_TOTAL} ({found.scope})", watts(found.total_mw), style="bold")
    return table


def _empty(title: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("rail", overflow="fold")
    return table
