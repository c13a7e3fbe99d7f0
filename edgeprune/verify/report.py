"""What verifying found."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from edgeprune.atomic import write_text_atomic
from edgeprune.export.precision.convert import PrecisionName
from edgeprune.statistics import DifferenceInterval
from edgeprune.verify.divergence import Divergence

VERIFY_NAME = "verify.json"

Status = Literal["compared", "built", "unsupported"]


@dataclass(frozen=True)
class Comparison:
    """One graph on one backend against PyTorch in FP32, on the same test images.

    Figures are None where the backend could not run it; those of outputs also where an output is
    not a finite number.

    Attributes:
        graph: the file.
        precision: of the graph.
        backend: `onnxruntime`, `tensorrt` or `tensorrt-rtx`.
        status: `compared`; `built`, an engine that cannot run here; `unsupported`, not even built.
        notes: how it ran, or why it did not.
        metric: of the graph.
        metric_difference: the graph's metric minus PyTorch's, paired on the images.
        agreement_percent: images with PyTorch's class; None for regression.
        finite: whether all outputs are finite numbers.
        max_abs_error: largest difference of an output.
        max_rel_error: the same over the largest magnitude of PyTorch's outputs.
        snr_db: signal-to-noise ratio of the outputs in decibels, within ±200.
        misses: limits that it does not keep, in words.
    """

    graph: str
    precision: PrecisionName
    backend: str
    status: Status
    notes: tuple[str, ...]
    metric: float | None = None
    metric_difference: DifferenceInterval | None = None
    agreement_percent: float | None = None
    finite: bool | None = None
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    snr_db: float | None = None
    misses: tuple[str, ...] = ()


@dataclass(frozen=True)
class VerifyReport:
    """All graphs of a network.

    Attributes:
        source: the model file.
        data: the data set.
        images: test images that everything was compared on.
        metric_name: `top1_percent`, `mse` where the task is regression, `hr_at_K` of a ranking.
        metric_pytorch: of the PyTorch network in FP32.
        comparisons: each graph on each backend.
        divergences: the values inside each graph, in ONNX Runtime.
    """

    source: str
    data: str
    images: int
    metric_name: str
    metric_pytorch: float
    comparisons: tuple[Comparison, ...]
    divergences: tuple[Divergence, ...]

    @property
    def misses(self) -> tuple[str, ...]:
        """Limits that were not kept, with the graph and the backend."""
        return tuple(
            f"{Path(comparison.graph).name} on {comparison.backend}: {miss}"
            for comparison in self.comparisons
            for miss in comparison.misses
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "misses": list(self.misses)}

    def to_json(self) -> str:
        """The text of `verify.json`."""
        return json.dumps(self.as_dict(), indent=1, allow_nan=False)

    def write(self, path: Path) -> None:
        """Replace a file in one step."""
        write_text_atomic(path, self.to_json() + "\n")
