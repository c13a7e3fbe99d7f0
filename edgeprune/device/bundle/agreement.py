"""Whether a board computes what the host did."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Sequence

Outputs = Sequence[float]  # of one sample

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


def compare(exact: Sequence[Outputs], found: Sequence[Outputs], precision: str) -> Agreement:
    """Compare outputs, sample by sample.

    Args:
        exact: the host's.
        found: the board's, as many samples of as many values.
        precision: of the graph.
    """
    alike = [len(a) for a in exact] == [len(b) for b in found]
    if not alike or not all(math.isfinite(value) for sample in found for value in sample):
        return disagreement(len(exact), precision)
    errors = [b - a for one, other in zip(exact, found) for a, b in zip(one, other)]
    return judge(
        len(exact),
        precision,
        max_abs_error=max(map(abs, errors), default=0.0),
        noise=math.fsum(error * error for error in errors),
        signal=math.fsum(value * value for sample in exact for value in sample),
        same_class_percent=_same_class(exact, found),
    )


def disagreement(samples: int, precision: str) -> Agreement:
    """Of outputs that are not finite, or of another shape."""
    return Agreement(samples, None, None, LEAST_SNR_DB[precision], None, False)


def judge(
    samples: int,
    precision: str,
    *,
    max_abs_error: float,
    noise: float,
    signal: float,
    same_class_percent: float | None,
) -> Agreement:
    """From the differences of all outputs.

    Args:
        samples: compared.
        precision: of the graph.
        max_abs_error: largest difference.
        noise: sum of their squares.
        signal: sum of the squares of the host's outputs.
        same_class_percent: see `Agreement`.
    """
    least = LEAST_SNR_DB[precision]
    snr = None if not noise else 10 * math.log10(signal / noise) if signal else 0.0
    return Agreement(
        samples=samples,
        max_abs_error=max_abs_error,
        snr_db=snr,
        least_snr_db=least,
        same_class_percent=same_class_percent,
        kept=snr is None or snr >= least,
    )


def _same_class(exact: Sequence[Outputs], found: Sequence[Outputs]) -> float | None:
    if not exact or len(exact[0]) < 2:
        return None
    same = sum(_largest(one) == _largest(other) for one, other in zip(exact, found))
    return 100.0 * same / len(exact)


def _largest(values: Outputs) -> int:
    return max(range(len(values)), key=values.__getitem__)
