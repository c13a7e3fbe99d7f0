"""Where to cut an activation off: the magnitude that becomes 127.

The rounding step grows with it, so that cutting off rare large values can cost less than rounding
all others coarsely.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeprune.export.precision.histogram import Histogram
from edgeprune.export.precision.integers import LEVELS

_PERCENTILE = 99.99
_CANDIDATES = 128


def min_max(histogram: Histogram) -> float:
    """The largest magnitude seen: nothing is cut off."""
    return histogram.largest


def percentile(histogram: Histogram, share: float = _PERCENTILE) -> float:
    """The magnitude that `share` percent of the values do not exceed, to a bin."""
    total = histogram.counts.sum()
    if not total or not histogram.width:
        return histogram.largest
    below = np.cumsum(histogram.counts)
    last = int(np.searchsorted(below, share / 100.0 * total))
    return min((last + 1) * histogram.width, histogram.largest)


def mse(histogram: Histogram) -> float:
    """The cut with the least mean squared error of rounding and cutting off together."""
    return _best(histogram, _squared_error)


def entropy(histogram: Histogram) -> float:
    """The cut whose rounded distribution keeps most of the original's information.

    Least Kullback-Leibler divergence of the distribution with its tail put into the last bin from
    the one with 128 levels (Migacz, 8-bit inference with TensorRT, GTC 2017).
    """
    return _best(histogram, _divergence)


THRESHOLDS: dict[str, Callable[[Histogram], float]] = {
    "entropy": entropy,
    "percentile": percentile,
    "min-max": min_max,
    "mse": mse,
}


def _best(histogram: Histogram, cost: Callable[[NDArray[np.float64], int], float]) -> float:
    filled = np.flatnonzero(histogram.counts)
    if not filled.size or not histogram.width:
        return histogram.largest
    counts = histogram.counts.astype(np.float64)
    # Exact zeros (after ReLU, most values) are exact at every scale and would drown the rest.
    counts[0] = counts[1] if len(counts) > 1 else counts[0]
    end = int(filled[-1]) + 1
    first = min(LEVELS + 1, end)
    cuts = np.unique(np.linspace(first, end, _CANDIDATES).round().astype(int))
    best = min(cuts, key=lambda cut: cost(counts, int(cut)))
    return min(float(best) * histogram.width, histogram.largest)


def _squared_error(counts: NDArray[np.float64], cut: int) -> float:
    centres = np.arange(len(counts)) + 0.5
    step = cut / LEVELS
    rounded = np.minimum(np.rint(centres / step), LEVELS) * step
    return float((counts * (centres - rounded) ** 2).sum())


def _divergence(counts: NDArray[np.float64], cut: int) -> float:
    kept = counts[:cut].copy()
    whole = kept.copy()
    whole[-1] += counts[cut:].sum()
    levels = np.minimum(np.arange(cut) * (LEVELS + 1) // cut, LEVELS)
    filled = kept > 0
    mass = np.bincount(levels, weights=kept, minlength=LEVELS + 1)
    width = np.bincount(levels, weights=filled, minlength=LEVELS + 1)
    spread = np.where(filled, mass[levels] / np.maximum(width[levels], 1), 0.0)
    p, q = whole / whole.sum(), spread / max(spread.sum(), 1.0)
    # A bin that only the tail fills has no counterpart: it costs as if it had almost none.
    q = np.maximum(q, 1e-12)
    used = p > 0
    return float((p[used] * np.log(p[used] / q[used])).sum())
