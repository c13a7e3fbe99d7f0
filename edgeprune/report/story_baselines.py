"""How a regression's networks stand beside predictors that need no network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from edgeprune.report.run_report import RunReport

Tone = Literal["good", "warning", "plain"]


def tell_baselines(report: RunReport) -> Iterator[tuple[str, Tone]]:
    """(sentence, tone) per baseline that was fitted, and why one was not."""
    found = report.extra.get("regression")
    if not found:
        return
    student = found["errors"]["student"]
    for name in found["baselines"]:
        other = found["errors"][name]
        lead, absolute = found["student_minus"][name], found["student_minus_mae"][name]
        text = (
            f"{name}: MSE {other['mse']:.4f}, MAE {other['mae']:.4f}; the student's are "
            f"{student['mse']:.4f} and {student['mae']:.4f} (MSE {lead['difference']:+.4f}, 95 % "
            f"interval {lead['low']:+.4f} to {lead['high']:+.4f}; MAE "
            f"{absolute['difference']:+.4f}, {absolute['low']:+.4f} to {absolute['high']:+.4f})."
        )
        yield text, "good" if lead["high"] < 0 else "warning" if lead["low"] > 0 else "plain"
    for name, reason in found["missing"].items():
        yield f"{name} was not fitted: {reason}.", "plain"
