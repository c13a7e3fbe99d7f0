"""Which figures a run has not measured, and why. A reason stands where a zero would mislead."""

from __future__ import annotations

from edgeprune.report.run_report import RunReport

_NO_REASON = "the run gave no reason"


def missing_figures(report: RunReport) -> dict[str, str]:
    """Why figures of the interface are null: the run's own reasons, and what would give them."""
    reasons = {
        str(key): str(reason).rstrip(".")
        for key, reason in (report.extra.get("missing") or {}).items()
    }
    absent = {
        "dense_student.metric": (
            report.dense_student["metric"] is None,
            "the dense student was not trained in this run; --control dense does",
        ),
        "teacher.metric": (report.teacher["metric"] is None, _NO_REASON),
        "student.metric": (report.student["metric"] is None, _NO_REASON),
        "latency_ms": (not report.latency_ms, _NO_REASON),
        "onnx": (report.onnx is None, _NO_REASON),
        "train_seconds": (report.train_seconds is None, _NO_REASON),
        "train_energy_j": (report.train_energy_j is None, _NO_REASON),
    }
    for name, (is_absent, reason) in absent.items():
        if is_absent:
            reasons.setdefault(name, reason)
    return reasons
