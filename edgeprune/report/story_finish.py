"""What the finishing stages did: the 2:4 pattern, and training for INT8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from edgeprune.report.rows import Metric, metric_of
from edgeprune.report.run_report import RunReport
from edgeprune.wording import counted

_DROP = 1.0  # points; more than repeated rounding should cost after training for it

Tone = Literal["good", "warning", "plain"]


def tell_finish(report: RunReport) -> Iterator[tuple[str, str, Tone]]:
    """(topic, sentences, tone) of each stage that the run had."""
    pattern, qat = report.extra.get("two_to_four"), report.extra.get("qat")
    if pattern is not None:
        text = (
            f"{_layers(len(pattern['layers']))} the 2:4 pattern, which sparse tensor cores take, "
            f"after {counted(pattern['epochs'], 'epoch')} with it."
        )
        left = pattern["left_out"]
        if left:
            text += f" Left dense: {len(left)}; the first is {left[0]['layer']}, which "
            text += f"{left[0]['reason']}."
        yield "2:4", text, "plain"
    if qat is not None:
        metric = metric_of(report)
        whole, rounded = qat["test"]["float"], qat["test"]["int8"]
        yield (
            "INT8",
            f"After {counted(qat['epochs'], 'epoch')} with fake quantisation of "
            f"{counted(len(qat['layers']), 'layer')} the test {metric.label} is "
            f"{metric.text(rounded)} in simulated INT8 and "
            f"{metric.text(whole)} in floating point. student.pt holds the learned input scales.",
            "warning" if _lost(whole, rounded, metric) else "good",
        )


def _lost(whole: float, rounded: float, metric: Metric) -> bool:
    """Whether rounding cost more than a point, or than a hundredth of the error."""
    if metric.lower_is_better:
        return rounded > whole * (1 + _DROP / 100)
    return rounded < whole - _DROP


def _layers(number: int) -> str:
    return "1 layer has" if number == 1 else f"{number} layers have"
