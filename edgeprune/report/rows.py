"""A run's networks, one row each: what tables, plots and sentences are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edgeprune.report.run_files import Predictions
from edgeprune.report.run_report import RunReport
from edgeprune.report.shapes import ControlFigures, NetworkFigures
from edgeprune.statistics import DifferenceInterval, list_length, metric_difference

Role = Literal["teacher", "dense", "student", "control"]
TEACHER, DENSE, STUDENT = "teacher", "dense_student", "student"
_CONTROL = "control_"
# The dense control is the dense student, trained; either name may hold its predictions.
_DENSE_PREDICTIONS = (DENSE, "control_dense")
_PERCENT = "_percent"
_ACCURACY = "top1_percent"
_ERROR = "mse"


@dataclass(frozen=True)
class NetworkRow:
    """One network of a run; None where a figure was not measured.

    Attributes:
        key: `teacher`, `dense_student`, `student` or `control_NAME`.
        label: the same for people.
        metric: test metric.
        p50_ms: median latency.
        p99_ms: 99th percentile.
        difference: the student's metric minus this network's, paired on the test samples.
    """

    key: str
    label: str
    role: Role
    params: int
    macs: int
    metric: float | None
    p50_ms: float | None
    p99_ms: float | None
    difference: DifferenceInterval | None


@dataclass(frozen=True)
class Metric:
    """How the run's metric is written: `top-1` and ` %`.

    Attributes:
        history: name of its columns in the history, after `train_` and `val_`.
    """

    label: str
    unit: str
    lower_is_better: bool = False
    history: str = "top1"

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return 2 if self.unit else 4

    @property
    def points(self) -> str:
        """What differences are counted in."""
        return "points" if self.unit else self.label

    @property
    def heading(self) -> str:
        """Over figures that show it."""
        return "Error" if self.lower_is_better else "Accuracy"

    def text(self, value: float | None) -> str:
        """`71.23 %`, `0.5471`, or a dash."""
        return "–" if value is None else f"{value:.{self.digits}f}{self.unit}"


def metric_of(report: RunReport) -> Metric:
    """The metric that the report's `metric` figures are of."""
    name = str(report.extra.get("metric", _ACCURACY))
    label = name.removesuffix(_PERCENT).replace("top1", "top-1").replace("_", " ")
    length = list_length(name)
    if length is not None:
        return Metric(f"HR@{length}", "", history=name)
    if name == _ERROR:
        return Metric("MSE", "", lower_is_better=True, history=_ERROR)
    return Metric(label, " %" if name.endswith(_PERCENT) else "")


def network_rows(report: RunReport, predictions: Predictions | None = None) -> list[NetworkRow]:
    """Teacher, dense student, student, then the controls in the report's order."""
    differences = (
        {} if predictions is None else student_differences(predictions, report.extra.get("metric"))
    )

    def row(key: str, label: str, role: Role, figures: NetworkFigures) -> NetworkRow:
        percentiles = (report.latency_ms or {}).get(key)
        return NetworkRow(
            key,
            label,
            role,
            figures["params"],
            figures["macs"],
            figures["metric"],
            percentiles["p50"] if percentiles else None,
            percentiles["p99"] if percentiles else None,
            differences.get(key),
        )

    return [
        row(TEACHER, "teacher", "teacher", report.teacher),
        row(DENSE, "dense student", "dense", report.dense_student),
        row(STUDENT, "student", "student", report.student),
        *(
            row(_CONTROL + control["name"], f"control: {control['name']}", "control", control)
            for control in report.controls
            if not _is_the_dense_student(report, control)
        ),
    ]


def _is_the_dense_student(report: RunReport, control: ControlFigures) -> bool:
    """The dense control is the trained dense student: one network, one row."""
    return control["name"] == "dense" and control["metric"] == report.dense_student["metric"]


def student_differences(
    predictions: Predictions, metric: object = None
) -> Mapping[str, DifferenceInterval]:
    """The student's metric minus every other network's, by row key.

    Args:
        metric: a report's; see `metric_difference`.
    """
    if STUDENT not in predictions:
        return {}
    found = {
        name: metric_difference(predictions[STUDENT], predicted, predictions["targets"], metric)
        for name, predicted in predictions.items()
        if name not in (STUDENT, "targets")
    }
    for name in _DENSE_PREDICTIONS:
        if name in found:
            found.setdefault(DENSE, found[name])
    return found


def row_of(rows: list[NetworkRow], key: str) -> NetworkRow | None:
    """The row called `key`, or None."""
    return next((row for row in rows if row.key == key), None)
