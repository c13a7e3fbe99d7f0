"""What a graph may lose, by its precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeprune.errors import AccuracyGateMissedError, UnsupportedError, UserInputError
from edgeprune.export.precision.convert import PrecisionName
from edgeprune.verify.report import Comparison, VerifyReport

MAX_DROP_POINTS: Mapping[PrecisionName, float] = {"fp32": 0.1, "fp16": 0.1, "int8": 0.5}
MAX_ABS_ERROR = 1e-3


@dataclass(frozen=True)
class Limits:
    """What the user allows.

    Attributes:
        max_accuracy_drop: points of top-1 that a graph may lose, and in FP32 the points of images
            whose class may differ from PyTorch's; None for `MAX_DROP_POINTS`.
        max_abs_error: of outputs in FP32.
    """

    max_accuracy_drop: float | None = None
    max_abs_error: float = MAX_ABS_ERROR

    def __post_init__(self) -> None:
        drop = self.max_accuracy_drop
        if drop is not None and not 0 <= drop <= 100:
            raise UserInputError(f"--max-accuracy-drop {drop:g}: give points from 0 to 100")
        if not self.max_abs_error >= 0:
            raise UserInputError(f"--max-abs-error {self.max_abs_error:g}: give 0 or more")

    def drop_points(self, precision: PrecisionName) -> float:
        """What a precision may lose."""
        given = self.max_accuracy_drop
        return MAX_DROP_POINTS[precision] if given is None else given


def misses(found: Comparison, limits: Limits) -> tuple[str, ...]:
    """Limits that a comparison does not keep, in words."""
    if not found.finite:
        return ("its outputs are not finite",)
    told = []
    allowed = limits.drop_points(found.precision)
    if found.agreement_percent is not None:
        told.append(_accuracy(found, found.agreement_percent, allowed))
    if found.precision == "fp32" and _exceeds(found.max_abs_error, limits.max_abs_error):
        told.append(
            f"outputs differ by {found.max_abs_error:.1e}, --max-abs-error allows "
            f"{limits.max_abs_error:g}"
        )
    return tuple(filter(None, told))


def _accuracy(found: Comparison, agreement: float, allowed: float) -> str:
    allows = f"--max-accuracy-drop allows {allowed:g}"
    if found.precision == "fp32":
        other = 100.0 - agreement
        text = f"{other:.2f} % of the images get another class than in PyTorch, {allows}"
        return text if _exceeds(other, allowed) else ""
    assert found.metric is not None
    assert found.metric_difference is not None
    drop = -found.metric_difference.difference
    text = (
        f"top-1 is {found.metric:.2f} %, {drop:.2f} points below PyTorch's, {allows} in "
        f"{found.precision}"
    )
    return text if _exceeds(drop, allowed) else ""


def _exceeds(value: float | None, limit: float) -> bool:
    # 100 * (1 - 359 / 360) and the like are not exact.
    return value is not None and value > limit + 1e-9


def require_kept(report: VerifyReport) -> None:
    """Fail where a limit is not kept, or where a backend that was asked for said nothing.

    Raises:
        AccuracyGateMissedError: graphs miss their limits; all are named.
        UnsupportedError: a graph cannot be built for a backend, or none could be compared at all.
    """
    if report.misses:
        raise AccuracyGateMissedError("; ".join(report.misses))
    refused = [c for c in report.comparisons if c.status == "unsupported"]
    if refused:
        raise UnsupportedError(f"{refused[0].graph} on {refused[0].backend}: {refused[0].notes[0]}")
    if not any(comparison.status == "compared" for comparison in report.comparisons):
        first = report.comparisons[0]
        raise UnsupportedError(
            f"nothing was compared: {first.notes[0]}; add --backend onnxruntime, or run this where "
            "the GPU is"
        )
