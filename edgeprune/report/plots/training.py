"""Accuracy and width over the epochs of a run, all stages in a row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from edgeprune.report.plots.svg import COLOURS, drawing, to_svg
from edgeprune.report.rows import Metric
from edgeprune.report.run_files import HistoryRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CONTROL_STAGES = "control-"
_NARROWEST_LABELLED = 0.07  # of the width; narrower stages have no room for their name
_SIZES = (("params", "parameters", "student"), ("macs", "MACs", "teacher"),
          ("channels", "channels", "control"))  # fmt: skip


def method_rows(history: Sequence[HistoryRow]) -> list[HistoryRow]:
    """The method's own epochs, without those of the controls."""
    return [row for row in history if not row["stage"].startswith(_CONTROL_STAGES)]


def plot_accuracy(history: Sequence[HistoryRow], metric: Metric) -> str | None:
    """Training and validation metric over epochs; None without such rows."""
    rows, label, name = method_rows(history), metric.label, metric.history
    if not any(_has(row, f"val_{name}") for row in rows):
        return None
    with drawing("accuracy") as (figure, axes):
        for key, shown, colour, width in (
            (f"train_{name}", "training", "dense", 1.3),
            (f"val_{name}", "validation", "student", 2.0),
        ):
            _draw_stages(axes, rows, key, shown, colour, width)
        axes.set_ylabel(label + (" (%)" if metric.unit else ""))
        _finish(axes, rows)
        axes.legend(
            loc="upper right" if metric.lower_is_better else "lower right",
            ncols=2,
            fontsize=9,
            labelcolor=COLOURS["ink"],
        )
        return to_svg(figure, "accuracy", f"Training and validation {label} over epochs")


def plot_width(history: Sequence[HistoryRow]) -> str | None:
    """Parameters, MACs and channels in percent of the start; None if they are not recorded."""
    rows = method_rows(history)
    shown = [entry for entry in _SIZES if rows and all(_has(row, entry[0]) for row in rows)]
    if not shown or len(rows) < 2:
        return None
    with drawing("width") as (figure, axes):
        for key, name, colour in shown:
            start = max(float(row[key]) for row in rows) or 1.0
            values = [100.0 * float(row[key]) / start for row in rows]
            axes.step(
                range(1, len(rows) + 1), values, where="mid", label=name, color=COLOURS[colour],
                linewidth=2.0,
            )  # fmt: skip
        axes.set_ylim(0, 105)
        axes.set_ylabel("% of the original student")
        _finish(axes, rows)
        axes.legend(loc="lower left", ncols=3, fontsize=9, labelcolor=COLOURS["ink"])
        return to_svg(figure, "width", "Parameters, MACs and channels over epochs")


def _stage(row: HistoryRow) -> str:
    return str(row["stage"])


def _has(row: HistoryRow, key: str) -> bool:
    return isinstance(row.get(key), (int, float))


def _draw_stages(
    axes: Axes,
    rows: Sequence[HistoryRow],
    key: str,
    label: str,
    colour: str,
    width: float,
) -> None:
    """A line per stage: the network starts anew in each, so the lines must not join."""
    first = 1
    for number, (_, stage) in enumerate(groupby(rows, key=_stage)):
        values = [row.get(key) for row in stage]
        epochs = range(first, first + len(values))
        axes.plot(
            epochs,
            [float("nan") if entry is None else entry for entry in values],
            color=COLOURS[colour],
            linewidth=width,
            marker="o" if len(values) == 1 else None,
            markersize=3,
            label=label if number == 0 else None,
        )
        first += len(values)


def _finish(axes: Axes, rows: Sequence[HistoryRow]) -> None:
    """Epoch axis with whole numbers, stage borders and stage names on top."""
    from matplotlib.ticker import MaxNLocator

    total, first = len(rows), 1
    axes.set_xlim(0.5, total + 0.5)
    axes.set_xlabel("epoch, all stages")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    stages = [(name, len(list(group))) for name, group in groupby(rows, key=_stage)]
    for name, length in stages:
        if first > 1:
            axes.axvline(first - 0.5, color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (2, 3)))
        if len(stages) > 1 and length / total >= _NARROWEST_LABELLED:
            axes.text(
                first + length / 2 - 0.5, 1.02, name, transform=axes.get_xaxis_transform(),
                ha="center", va="bottom", fontsize=8, color=COLOURS["muted"],
            )  # fmt: skip
        first += length
