"""Whether pruning made the network faster, from latencies measured in one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from edgeprune.report.numerals import milliseconds, share
from edgeprune.report.rows import DENSE, STUDENT, TEACHER, NetworkRow, row_of
from edgeprune.report.run_report import RunReport

# A ratio this close to 1 is within what repeated runs of one network show.
_SAME = 0.03
_NAMED_LAYERS = 5


def tell_speed(
    report: RunReport, rows: list[NetworkRow]
) -> Iterator[tuple[str, Literal["good", "warning", "plain"]]]:
    """Sentences about the student's speed against the dense student's and the teacher's."""
    student = row_of(rows, STUDENT)
    if student is None or student.p50_ms is None:
        return
    for key in (DENSE, TEACHER):
        other = row_of(rows, key)
        factor = speedup(rows, key)
        if other is None or factor is None:
            continue
        medians = f"p50 {milliseconds(student.p50_ms)} ms, {milliseconds(other.p50_ms)} ms before"
        if key == TEACHER:
            medians = f"the teacher's p50 is {milliseconds(other.p50_ms)} ms"
        if factor > 1 + _SAME:
            yield f"{factor:.2f} times as fast as the {other.label} ({medians}).", "good"
        elif key == DENSE:
            yield f"{_not_faster(factor)} ({medians}).{_dominating(report)}", "warning"
        else:
            yield f"Not faster than the teacher ({medians}).", "warning"


def speedup(rows: list[NetworkRow], over: str = DENSE) -> float | None:
    """Median latency of network `over` divided by the student's; None unless both are measured."""
    student, other = row_of(rows, STUDENT), row_of(rows, over)
    if student is None or other is None or student.p50_ms is None or other.p50_ms is None:
        return None
    return other.p50_ms / student.p50_ms


def _not_faster(factor: float) -> str:
    if factor < 1 - _SAME:
        return f"Pruning made the network slower: {1 / factor:.2f} times the dense student's time"
    return "Pruning did not make the network faster"


def _dominating(report: RunReport) -> str:
    layers = report.extra.get("dominating_layers") or ()
    if not layers:
        return " Which layers dominate was not measured."
    named = ", ".join(
        f"{layer['name']} ({share(layer['share'])})" for layer in layers[:_NAMED_LAYERS]
    )
    return f" Its time goes to {named}."
