"""How far values are from what they should be, in decibels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLEAN_DB = 200.0  # beyond float32: equal as far as anybody can tell
_LEAST_SIGNAL = 1e-300


@dataclass
class Noise:
    """Energies of a signal and of what differs from it, gathered array by array."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, exact: NDArray[np.floating], found: NDArray[np.floating]) -> None:
        """Count more values; both arrays have one shape."""
        wide = exact.astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):  # infinite ones are told by `db`
            self.signal += float(np.square(wide).sum())
            self.noise += float(np.square(wide - found).sum())

    @property
    def db(self) -> float:
        """The ratio: infinite for equal values, minus infinity where one is not finite."""
        if not np.isfinite(self.noise) or not np.isfinite(self.signal):
            return float("-inf")
        if self.noise == 0.0:
            return float("inf")
        return float(10.0 * np.log10(max(self.signal, _LEAST_SIGNAL) / self.noise))


def noise_db(exact: Sequence[NDArray[np.floating]], found: Sequence[NDArray[np.floating]]) -> float:
    """Signal-to-noise ratio in decibels, over all arrays together; infinite for equal ones."""
    total = Noise()
    for one, other in zip(exact, found, strict=True):
        total.add(one, other)
    return total.db


def finite_db(value: float) -> float:
    """The ratio within ±200 dB: JSON has no infinity."""
    return max(-CLEAN_DB, min(value, CLEAN_DB))
