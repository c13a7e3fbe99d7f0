"""Times of several calls, taken in turns."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_WARMUP = 3
_FEWEST = 15


def times_in_turns(
    calls: Mapping[str, Callable[[], object]], seconds: float
) -> dict[str, dict[str, Any]]:
    """Time every call again and again, in a new order every time, for about so many seconds.

    Two clocks: the wall's, and the process's, which stands still while the machine runs something
    else. On a machine with other work the second one is the steadier.

    Returns:
        By name, in microseconds: `p10`, `p50`, `p90` of the wall's clock, `cpu_p50` of the
        process's, and `repeats`.
    """
    names, order = list(calls), random.Random(0)
    wall: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(_WARMUP):
        for call in calls.values():
            call()
    gc.collect()
    end, rounds = time.monotonic() + seconds, 0
    while rounds < _FEWEST or time.monotonic() < end:
        rounds += 1
        order.shuffle(names)
        for name in names:
            started, used = time.perf_counter_ns(), time.process_time_ns()
            calls[name]()
            cpu[name].append((time.process_time_ns() - used) / 1e3)
            wall[name].append((time.perf_counter_ns() - started) / 1e3)
    return {name: _summary(wall[name], cpu[name]) for name in calls}


def _summary(wall: list[float], cpu: list[float]) -> dict[str, Any]:
    p10, p50, p90 = (round(float(value), 1) for value in np.percentile(wall, (10, 50, 90)))
    used = round(float(np.median(cpu)), 1)
    return {"p10": p10, "p50": p50, "p90": p90, "cpu_p50": used, "repeats": len(wall)}
