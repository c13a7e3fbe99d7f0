"""Whether a student's graph gives what PyTorch gives, and becomes an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgeprune.device.tensorrt.settings import BatchProfile, EngineSettings
from edgeprune.verify.report import VERIFY_NAME
from edgeprune.verify.run import VerifyRequest, verify

BACKENDS = ("onnxruntime", "tensorrt-rtx")
_ENGINE = EngineSettings(batch=BatchProfile(1, 64, 1024), sm="86")


def ensure_verified(run: Path, data: str) -> None:
    """Compare a run's graph with its network on all test films, unless that was done.

    The engine takes batches of 1 to 1024 films and is built for compute capability 8.6; where no
    GPU answers it is built and not run, and `verify.json` says so.
    """
    if not (run / VERIFY_NAME).exists():
        request = VerifyRequest(backends=BACKENDS, data=data, engine=_ENGINE)
        verify(run, request).write(run / VERIFY_NAME)


def verified(run: Path) -> dict[str, Any] | None:
    """What `verify.json` says, or None where there is none.

    `max_abs_error` is ONNX Runtime's largest difference of a rating from PyTorch's, over all test
    films; `within_limits` says whether it and the metric keep `edgeprune verify`'s limits;
    `tensorrt_rtx` is `compared`, `built` (and not run: no GPU answered) or `unsupported`.
    """
    page = run / VERIFY_NAME
    if not page.exists():
        return None
    report = json.loads(page.read_text(encoding="utf-8"))
    by_backend = {found["backend"]: found for found in report["comparisons"]}
    runtime, engine = (by_backend[backend] for backend in BACKENDS)
    return {
        "films": report["images"],
        "max_abs_error": runtime["max_abs_error"],
        "within_limits": runtime["status"] == "compared" and not report["misses"],
        "tensorrt_rtx": engine["status"],
    }
