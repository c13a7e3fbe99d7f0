"""Accuracy against what it costs: parameters, or milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeprune.report.numerals import compact
from edgeprune.report.plots.svg import COLOURS, drawing, to_svg
from edgeprune.report.rows import Metric

_CONTROL_MARKERS = "oDvP<>Xp"
_MARKERS = {"teacher": "^", "dense": "s", "student": "*"}
_SIZES = {"teacher": 70, "dense": 60, "student": 190, "control": 46}
_LOG_FROM = 4.0  # ratio of largest to smallest cost


@dataclass(frozen=True)
class Point:
    """A network in the plot; `role` decides its colour."""

    label: str
    role: str
    cost: float | None
    metric: float | None


def plot_tradeoff(
    points: Sequence[Point], metric: Metric, name: str, cost_label: str
) -> str | None:
    """Metric over cost, one marker per network; None with fewer than two measured networks."""
    shown = [point for point in points if point.cost is not None and point.metric is not None]
    if len(shown) < 2:
        return None
    costs = [point.cost for point in shown if point.cost is not None]
    with drawing(name) as (figure, axes):
        markers = iter(_CONTROL_MARKERS * len(shown))
        for point in shown:
            role = point.role
            axes.scatter(
                [point.cost or 0.0],
                [point.metric or 0.0],
                marker=_MARKERS.get(role) or next(markers),
                s=_SIZES[role],
                color=COLOURS[role],
                edgecolor=COLOURS["surface"],
                linewidth=0.8,
                label=point.label,
                zorder=4 if role == "student" else 3,
            )
        if max(costs) >= _LOG_FROM * min(costs) > 0:
            axes.set_xscale("log")
        _format_costs(axes.xaxis)
        axes.margins(x=0.12, y=0.16)
        axes.set_xlabel(cost_label)
        axes.set_ylabel(f"test {metric.label}{' (%)' if metric.unit else ''}")
        figure.legend(
            loc="outside right upper", fontsize=8.5, labelcolor=COLOURS["ink"], markerscale=0.8,
            handletextpad=0.3,
        )  # fmt: skip
        return to_svg(figure, name, f"Test {metric.label} against {cost_label}")


def _format_costs(axis: object) -> None:
    from matplotlib.axis import Axis
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    assert isinstance(axis, Axis)
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    if axis.get_scale() == "log":
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(5))


def _tick(value: float) -> str:
    return compact(value) if value >= 1000 else f"{value:g}"
