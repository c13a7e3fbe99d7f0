"""What a graph may lose, and who fails for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgeprune.errors import AccuracyGateMissedError, UnsupportedError
from edgeprune.statistics import DifferenceInterval
from edgeprune.verify.gate import Limits, misses, require_kept
from edgeprune.verify.report import Comparison, VerifyReport


def _compared(precision: Any, drop: float, agreement: float, error: float = 0.0) -> Comparison:
    return Comparison(
        graph="runs/a/m.onnx",
        precision=precision,
        backend="onnxruntime",
        status="compared",
        notes=(),
        metric=90.0 - drop,
        metric_difference=DifferenceInterval(-drop, -drop, -drop, 1000, 1),
        agreement_percent=agreement,
        finite=True,
        max_abs_error=error,
    )


@pytest.mark.parametrize(
    ("precision", "drop", "agreement", "kept"),
    [
        ("fp32", 0.0, 99.9, True),
        ("fp32", 0.0, 99.8, False),  # as many right, but not the same ones
        ("fp32", -1.0, 99.0, False),
        ("fp16", 0.1, 90.0, True),
        ("fp16", 0.2, 99.8, False),
        ("fp16", -5.0, 90.0, True),
        ("int8", 0.5, 90.0, True),
        ("int8", 0.6, 99.4, False),
    ],
)
def test_each_precision_has_its_limit(
    precision: str, drop: float, agreement: float, kept: bool
) -> None:
    assert (misses(_compared(precision, drop, agreement), Limits()) == ()) is kept
    generous = Limits(max_accuracy_drop=2.0)
    assert misses(_compared(precision, drop, agreement), generous) == ()


def test_the_error_of_outputs_counts_in_fp32_alone() -> None:
    assert misses(_compared("fp32", 0.0, 100.0, 1e-3), Limits()) == ()
    (miss,) = misses(_compared("fp32", 0.0, 100.0, 2e-3), Limits())
    assert miss == "outputs differ by 2.0e-03, --max-abs-error allows 0.001"
    assert misses(_compared("int8", 0.0, 100.0, 1.0), Limits()) == ()


def _report(*comparisons: Comparison) -> VerifyReport:
    return VerifyReport("runs/a/m.pt", "digits", 1000, "top1_percent", 90.0, comparisons, ())


def test_a_missed_limit_goes_before_a_missing_backend() -> None:
    good = _compared("fp32", 0.0, 100.0)
    built = replace(good, backend="tensorrt-rtx", status="built", notes=("built, not run",))
    refused = replace(built, status="unsupported", notes=("not built: no parser",))
    bad = replace(good, misses=("outputs differ",))
    require_kept(_report(good, built))
    with pytest.raises(UnsupportedError, match=r"nothing was compared: built, not run"):
        require_kept(_report(built))
    with pytest.raises(UnsupportedError, match=r"m.onnx on tensorrt-rtx: not built: no parser"):
        require_kept(_report(good, refused))
    with pytest.raises(AccuracyGateMissedError, match=r"^m.onnx on onnxruntime: outputs differ$"):
        require_kept(_report(bad, refused))
