"""A comparison as the terminal and a web page show it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeprune.atomic import write_text_atomic
from edgeprune.report.comparison import ComparedRun, Comparison, SeedGroup
from edgeprune.report.numerals import (
    ABSENT,
    compact,
    count,
    epochs,
    interval,
    milliseconds,
    share,
)
from edgeprune.report.page import render_page
from edgeprune.report.plots.svg import require_matplotlib
from edgeprune.report.plots.tradeoff import Point, plot_tradeoff
from edgeprune.report.rows import Metric, metric_of
from edgeprune.report.run_report import RunReport

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_ROLES = ("student", "teacher", "control", "dense")
HEADINGS = ("run", "method", "seed", "epochs", "params", "removed", "MACs", "metric",
            "minus first [95 %]", "p50 ms", "× dense")  # fmt: skip
_WIDE_ONLY = ("MACs", "p50 ms")  # a terminal has no room for them
GROUP_HEADINGS = ("over seeds", "seeds", "mean ± std", "minus first [95 %]")


def comparison_table(comparison: Comparison) -> RenderableType:
    """The runs, the groups of seeds, and why an interval is missing."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    shown = [number for number, heading in enumerate(HEADINGS) if heading not in _WIDE_ONLY]
    for number in shown:
        justify: Literal["left", "right"] = "left" if number < 2 else "right"
        table.add_column(HEADINGS[number], justify=justify, no_wrap=number > 0, overflow="fold")
    for run in comparison.runs:
        cells = run_cells(run)
        # In two lines each: 80 columns hold all of them, and names alone may have to be folded.
        cells[1], cells[8] = cells[1].replace(" ", "\n"), cells[8].replace(" [", "\n[")
        table.add_row(*(cells[number] for number in shown))
    parts: list[RenderableType] = [table]
    if comparison.groups:
        parts.append(_groups_table(comparison))
    parts += [Text(line, style="dim") for line in comparison_notes(comparison)]
    return Group(*parts)


def run_cells(run: ComparedRun) -> list[str]:
    """One run's cells, in the order of `HEADINGS`."""
    report = run.report
    latency = (report.latency_ms or {}).get("student")
    return [
        run.name,
        f"{report.method} {report.preset}",
        str(report.seed),
        _epochs(report),
        count(report.student["params"]),
        share(report.size_reduction),
        compact(report.student["macs"]),
        metric_of(report).text(report.student["metric"]),
        interval(run.difference, metric_of(report).digits),
        milliseconds(latency["p50"] if latency else None),
        ABSENT if run.speedup is None else f"{run.speedup:.2f}",
    ]


def _epochs(report: RunReport) -> str:
    """`15`, or `12 + 15` with the epochs of the search first."""
    search = f"{epochs(report.search_epochs)} + " if report.search_epochs else ""
    return f"{search}{report.epochs}"


def group_cells(group: SeedGroup, metric: Metric) -> list[str]:
    """Label, seeds, mean ± deviation, difference to the first group."""
    spread = ABSENT
    if group.metric is not None:
        std, digits = group.metric.std, metric.digits
        deviation = "" if std is None else f" ± {std:.{digits}f}"
        spread = f"{group.metric.mean:.{digits}f}{deviation}{metric.unit}"
    seeds = ", ".join(str(seed) for seed in group.seeds)
    return [group.label, seeds, spread, interval(group.difference, metric.digits)]


def comparison_notes(comparison: Comparison) -> list[str]:
    """What the reader must know of the figures."""
    points = metric_of(comparison.runs[0].report).points
    notes = [
        f"{run.name}: no interval, {run.why_no_difference}."
        for run in comparison.runs[1:]
        if run.why_no_difference
    ]
    if any(run.report.search_epochs for run in comparison.runs):
        notes.append("Epochs: before the delivered network's training + that training.")
    notes.append(
        f"Intervals: {points}, paired bootstrap over the test samples (and seeds, in groups)."
    )
    notes.append(
        "× dense is measured within a run; p50 of different runs was measured at different times."
    )
    return notes


def _groups_table(comparison: Comparison) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*GROUP_HEADINGS, box=SIMPLE_HEAD, pad_edge=False)
    for group in comparison.groups:
        table.add_row(*group_cells(group, metric_of(comparison.runs[0].report)))
    return table


def write_comparison(comparison: Comparison, path: str | os.PathLike[str]) -> Path:
    """Write the comparison as one self-contained HTML file.

    Raises:
        UnsupportedError: matplotlib or jinja2 is not installed.
    """
    require_matplotlib()
    metric = metric_of(comparison.runs[0].report)
    text = render_page(
        "comparison.html.j2",
        f"{len(comparison.runs)} runs compared",
        ", ".join(run.name for run in comparison.runs),
        headings=HEADINGS,
        rows=[run_cells(run) for run in comparison.runs],
        group_headings=GROUP_HEADINGS,
        groups=[group_cells(group, metric) for group in comparison.groups],
        notes=comparison_notes(comparison),
        figures=_figures(comparison, metric),
    )
    write_text_atomic(path, text)
    return Path(path)


def _figures(comparison: Comparison, metric: Metric) -> list[tuple[str, str]]:
    drawn = [
        (f"{metric.heading} against parameters",
         plot_tradeoff(_points(comparison, "params"), metric, "by-params", "parameters")),
        (f"{metric.heading} against MACs",
         plot_tradeoff(_points(comparison, "macs"), metric, "by-macs", "multiply-accumulates")),
    ]  # fmt: skip
    return [(title, svg) for title, svg in drawn if svg is not None]


def _points(comparison: Comparison, cost: str) -> list[Point]:
    """Students coloured by method, in the order the methods appear."""
    methods = list(dict.fromkeys(run.report.method for run in comparison.runs))
    return [
        Point(
            run.name,
            _ROLES[methods.index(run.report.method) % len(_ROLES)],
            run.report.as_dict()["student"][cost],
            run.report.student["metric"],
        )
        for run in comparison.runs
    ]
