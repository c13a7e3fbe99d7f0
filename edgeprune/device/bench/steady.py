"""Warming up until a model's latency stands still."""

from __future__ import annotations

import statistics
import time
from typing import Callable, NamedTuple, Sequence

_WINDOW_S = 1.0
ALIKE = 3  # windows in a row
_WITHIN = 0.02


class WarmUp(NamedTuple):
    """How warming up went.

    Attributes:
        seconds: that it took.
        settled: whether the last windows agreed within 2 % before the time was over.
    """

    seconds: float
    settled: bool


def warm_up(infers: Sequence[Callable[[], object]], most_s: float) -> WarmUp:
    """Run every model in turns until three 1-s medians in a row agree within 2 % for each.

    Args:
        infers: one request of each model.
        most_s: when to stop in any case; shorter windows are used where it is short.
    """
    window_s = min(_WINDOW_S, most_s / (2 * ALIKE))
    started = time.monotonic()
    medians: list[list[float]] = []
    while True:
        medians.append([_median_ms(infer, window_s / len(infers)) for infer in infers])
        seconds = time.monotonic() - started
        if is_steady(medians):
            return WarmUp(seconds, True)
        if seconds >= most_s:
            return WarmUp(seconds, False)


def is_steady(medians: Sequence[Sequence[float]]) -> bool:
    """Whether the last three of every model lie within 2 % of each other."""
    last = medians[-ALIKE:]
    if len(last) < ALIKE:
        return False
    return all(max(model) <= (1 + _WITHIN) * min(model) for model in zip(*last))


def _median_ms(infer: Callable[[], object], seconds: float) -> float:
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        before = time.perf_counter()
        infer()
        times.append(time.perf_counter() - before)
    return 1e3 * statistics.median(times)
