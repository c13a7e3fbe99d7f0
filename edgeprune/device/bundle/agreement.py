"""Whether a board computes what the host did."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# Least signal-to-noise ratio of outputs. In FP32 Ampere's tensor cores round inputs to TF32, 11
# bits, by default; INT8 layers may round a value to its other neighbour.
LEAST_SNR_DB = {"fp32": 50.0, "fp16": 35.0, "int8": 10.0}


@dataclass(frozen=True)
class Agreement:
    """Outputs on the board beside those of ONNX Runtime on the host, for the same inputs.

    Attributes:
        samples: compared.
        max_abs_error: largest difference; None where an output is not finite.
        snr_db: signal-to-noise ratio; None where equal to the last bit, or not finite.
        least_snr_db: that is asked for.
        same_class_percent: samples with the same largest output; None for a single output.
        kept: whether outputs are finite and near enough.
    """

    samples: int
    max_abs_error: float | None
    snr_db: float | None
    least_snr_db: float
    same_class_percent: float | None
    kept: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def compare(exact: np.ndarray, found: np.ndarray, precision: str) -> Agreement:
    """Compare outputs of shape (samples, ...).

    Args:
        exact: the host's.
        found: the board's, of the same shape.
        precision: of the graph.
    """
    least = LEAST_SNR_DB[precision]
    if exact.shape != found.shape or not np.all(np.isfinite(found)):
        return Agreement(len(exact), None, None, least, None, False)
    wide = exact.astype(np.float64)
    error = found.astype(np.float64) - wide
    noise, signal = float(np.sum(error**2)), float(np.sum(wide**2))
    snr = None if not noise else 10 * math.log10(signal / noise) if signal else 0.0
    return Agreement(
        samples=len(exact),
        max_abs_error=float(np.max(np.abs(error), initial=0.0)),
        snr_db=snr,
        least_snr_db=least,
        same_class_percent=_same_class(exact, found),
        kept=snr is None or snr >= least,
    )


def _same_class(exact: np.ndarray, found: np.ndarray) -> float | None:
    if exact.ndim != 2 or exact.shape[1] < 2:
        return None
    return 100.0 * float(np.mean(exact.argmax(axis=1) == found.argmax(axis=1)))
