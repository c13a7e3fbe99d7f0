"""A run as the terminal shows it: a table of its networks, then what happened in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprune.report.numerals import compact, count, milliseconds
from edgeprune.report.rows import NetworkRow, metric_of, network_rows
from edgeprune.report.run_files import Predictions
from edgeprune.report.run_report import RunReport
from edgeprune.report.story import Statement, tell

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_STYLES = {"good": "green", "warning": "yellow", "plain": ""}


def run_table(report: RunReport, predictions: Predictions | None = None) -> RenderableType:
    """A run's networks and its story, ready for `rich.console.Console.print`.

    Args:
        predictions: the run's test predictions; with them differences carry intervals.
    """
    from rich.console import Group

    rows = network_rows(report, predictions)
    return Group(_networks(report, rows), _words(tell(report, rows)))


def title_of(report: RunReport) -> str:
    """`SS-SAD, preset quick, seed 0, on digits`."""
    data = report.extra.get("data")
    method = report.method.upper().replace("_", "-")
    return f"{method}, preset {report.preset}, seed {report.seed}" + (f", on {data}" * bool(data))


def _networks(report: RunReport, rows: list[NetworkRow]) -> Table:
    """Fits 80 columns; the differences stand in the words below it."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    metric = metric_of(report)
    table = Table(title=title_of(report), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network", overflow="fold")
    for heading in ("params", "MACs", metric.label, "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.label,
            count(row.params),
            compact(row.macs),
            metric.text(row.metric),
            milliseconds(row.p50_ms),
            milliseconds(row.p99_ms),
            style="bold" if row.role == "student" else None,
        )
    return table


def _words(statements: list[Statement]) -> Table:
    """The statements as a borderless table; a topic is named once."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 1), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    topic = ""
    for statement in statements:
        table.add_row(
            statement.topic if statement.topic != topic else "",
            Text(statement.text, style=_STYLES[statement.tone]),
        )
        topic = statement.topic
    return table
