"""Compress trained networks into physically smaller, verified students for edge devices.

The names below are the public interface; each is imported when it is first used, so that
`import edgeprune` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeprune.deploy.benchmark import benchmark
    from edgeprune.deploy.deploy import deploy
    from edgeprune.deploy.request import DeployRequest
    from edgeprune.export.onnx import export_onnx
    from edgeprune.pipeline import compress
    from edgeprune.prune.api import PruneReport, prune_model
    from edgeprune.report.run_report import RunReport

__version__ = "0.1.0"
__all__ = [
    "DeployRequest",
    "PruneReport",
    "RunReport",
    "benchmark",
    "compress",
    "deploy",
    "export_onnx",
    "prune_model",
]

_HOMES = {
    "DeployRequest": "edgeprune.deploy.request",
    "PruneReport": "edgeprune.prune.api",
    "RunReport": "edgeprune.report.run_report",
    "benchmark": "edgeprune.deploy.benchmark",
    "compress": "edgeprune.pipeline",
    "export_onnx": "edgeprune.export.onnx",
    "prune_model": "edgeprune.prune.api",
}


def __getattr__(name: str) -> Any:
    if name == "deploy":  # the package of that name, which can be called
        return importlib.import_module("edgeprune.deploy")
    if name not in _HOMES:
        raise AttributeError(f"module 'edgeprune' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
