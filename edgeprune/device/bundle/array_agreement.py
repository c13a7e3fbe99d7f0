"""Agreement of arrays, sample by sample: those of a segmentation fill a board's memory."""

from __future__ import annotations

import numpy as np

from edgeprune.device.bundle.agreement import Agreement, disagreement, judge


def compare_arrays(exact: np.ndarray, found: np.ndarray, precision: str) -> Agreement:
    """Compare outputs of shape (samples, ...); see `agreement.compare`.

    Args:
        exact: the host's.
        found: the board's.
        precision: of the graph.
    """
    if exact.shape != found.shape:
        return disagreement(len(exact), precision)
    largest = noise = signal = 0.0
    for one, other in zip(exact, found):
        if not np.all(np.isfinite(other)):
            return disagreement(len(exact), precision)
        wide = one.astype(np.float64)
        error = other.astype(np.float64) - wide
        largest = max(largest, float(np.max(np.abs(error), initial=0.0)))
        noise += float(np.sum(error * error))
        signal += float(np.sum(wide * wide))
    return judge(
        len(exact),
        precision,
        max_abs_error=largest,
        noise=noise,
        signal=signal,
        same_class_percent=_same_class(exact, found),
    )


def _same_class(exact: np.ndarray, found: np.ndarray) -> float | None:
    if exact.ndim != 2 or exact.shape[1] < 2 or not len(exact):
        return None
    return 100.0 * int(np.sum(exact.argmax(axis=1) == found.argmax(axis=1))) / len(exact)
