"""Percentiles without numpy, which some boards' Python has not."""

from __future__ import annotations

from typing import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of the others lie, interpolated linearly as numpy does.

    Args:
        ordered: ascending, at least one.
        share: in percent.
    """
    at = (len(ordered) - 1) * share / 100
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])
