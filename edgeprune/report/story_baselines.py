"""How the networks of values and rankings stand beside predictors that need no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from edgeprune.report.numerals import signed
from edgeprune.report.run_report import RunReport

Tone = Literal["good", "warning", "plain"]


def tell_baselines(report: RunReport) -> Iterator[tuple[str, Tone]]:
    """(sentence, tone) per baseline that was fitted, and why one was not."""
    if report.extra.get("ranking"):
        yield from _tell_lists(report.extra["ranking"])
    found = report.extra.get("regression")
    if not found:
        return
    student = found["errors"]["student"]
    for name in found["baselines"]:
        other = found["errors"][name]
        lead, absolute = found["student_minus"][name], found["student_minus_mae"][name]
        squared = _span(lead, "95 % interval ")
        text = (
            f"{name}: MSE {other['mse']:.4f}, MAE {other['mae']:.4f}; the student's are "
            f"{student['mse']:.4f} and {student['mae']:.4f} (MSE {squared}; "
            f"MAE {_span(absolute)})."
        )
        yield text, "good" if lead["high"] < 0 else "warning" if lead["low"] > 0 else "plain"
    for name, reason in found["missing"].items():
        yield f"{name} was not fitted: {reason}.", "plain"


def _tell_lists(found: Mapping[str, Any]) -> Iterator[tuple[str, Tone]]:
    """The same for lists of k items, where more is better."""
    k, student = found["k"], found["figures"]["student"]
    for name in found["baselines"]:
        other = found["figures"][name]
        lead, gain = found["student_minus"][name], found["student_minus_ndcg"][name]
        text = (
            f"{name}: HR@{k} {other['hr']:.4f}, NDCG@{k} {other['ndcg']:.4f}; the student's are "
            f"{student['hr']:.4f} and {student['ndcg']:.4f} (HR@{k} "
            f"{_span(lead, '95 % interval ')}; NDCG@{k} {_span(gain)})."
        )
        yield text, "good" if lead["low"] > 0 else "warning" if lead["high"] < 0 else "plain"
    for name, reason in found["missing"].items():
        yield f"{name} was not fitted: {reason}.", "plain"


def _span(lead: Mapping[str, float], before: str = "") -> str:
    value, low, high = (signed(lead[key], 4) for key in ("difference", "low", "high"))
    return f"{value}, {before}{low} to {high}"
