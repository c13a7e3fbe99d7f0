"""How the magnitudes of a value are spread, gathered batch by batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 2048
_LEAST_RANGE = 2.0**-100  # a bin's width and its inverse stay ordinary FP32 numbers


class Histogram:
    """Counts of |x| in equal bins from 0; the range doubles when a larger value comes.

    Doubling merges neighbouring bins, which is exact: the counts are those that one look at all
    values with the last range would have given. ONNX Runtime's own calibrators keep every batch of
    every value of the graph in memory first.
    """

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BINS, dtype=np.int64)
        self.largest = 0.0
        self._range = 0.0

    @property
    def width(self) -> float:
        """Of a bin."""
        return self._range / BINS

    def add(self, values: NDArray[np.floating]) -> None:
        """Count more values; they have to be finite."""
        if not values.size:
            return
        magnitudes = np.abs(values, dtype=np.float32).ravel()
        most = float(magnitudes.max())
        self.largest = max(self.largest, most)
        if most == 0.0:
            self.counts[0] += magnitudes.size
            return
        self._cover(most)
        found = (magnitudes * np.float32(BINS / self._range)).astype(np.int32)
        self.counts += np.bincount(np.minimum(found, BINS - 1), minlength=BINS)

    def _cover(self, most: float) -> None:
        if self._range == 0.0:
            # A power of two, so that every order of the batches leads to the same bins.
            self._range = max(2.0 ** np.ceil(np.log2(most)), _LEAST_RANGE)
        while most > self._range:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([merged, np.zeros(BINS // 2, dtype=np.int64)])
            self._range *= 2.0
