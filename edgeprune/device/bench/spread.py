"""What repeats say of a figure and of a ratio of two."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Sequence

# Student's t for 95 %, two-sided, from 1 degree of freedom on; beyond the last, the normal's.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_NORMAL = 1.960


@dataclass(frozen=True)
class Ratio:
    """First over second, with the 95 % interval that the repeats give (paired, of logarithms).

    `is_clear` tells whether the interval leaves out 1.
    """

    ratio: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the two differ by more than the repeats scatter."""
        return self.low > 1 or self.high < 1


def t95(degrees: int) -> float:
    """Student's t for a two-sided interval of 95 %."""
    return _T95[degrees - 1] if degrees <= len(_T95) else _NORMAL


def paired_ratio(first: Sequence[float], second: Sequence[float]) -> Ratio:
    """Of figures that were measured in pairs, one pair a repeat.

    Args:
        first: positive, one a repeat, of two repeats or more.
        second: of the same repeats.
    """
    logs = [math.log(one / other) for one, other in zip(first, second)]
    middle = statistics.mean(logs)
    half = t95(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return Ratio(math.exp(middle), math.exp(middle - half), math.exp(middle + half))
