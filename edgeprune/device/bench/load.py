"""A model under load for a while: what each request took."""

from __future__ import annotations

import time
from typing import Callable, NamedTuple

import numpy as np

Infer = Callable[[], object]
_LEAST = 3  # requests of a slice, however slow the model
_PATIENCE = 3  # times a turn's seconds: where requests pile up it ends before all are done
_PAST_SLEEP_S = 0.002  # sleeping ends late by about this; the rest of a wait is spent looking


class Slice(NamedTuple):
    """One turn of a model.

    Attributes:
        latency_ms: of each request: under a rate, from when it was due; else from its start.
        busy_s: time spent inferring.
        late: requests that began after they were due, since the one before was not finished.
    """

    latency_ms: np.ndarray
    busy_s: float
    late: int


def as_fast_as_possible(infer: Infer, seconds: float) -> Slice:
    """One request after the other; the first, which finds another model in the caches, is left out.

    Args:
        infer: one request, waited for.
        seconds: least time of the turn.
    """
    infer()
    clock = time.perf_counter_ns
    started = before = clock()
    end = started + int(seconds * 1e9)
    times: list[int] = []
    while before < end or len(times) < _LEAST:
        infer()
        now = clock()
        times.append(now - before)
        before = now
    return Slice(np.array(times) / 1e6, (before - started) / 1e9, 0)


def at_a_rate(infer: Infer, seconds: float, rate_hz: float, spin_s: float = _PAST_SLEEP_S) -> Slice:
    """Requests that are due at fixed times, whether or not the one before is finished.

    Latency counts from when a request was due, so that a slow one delays those behind it as it
    would in service (G. Tene, "How NOT to Measure Latency": coordinated omission). Where they pile
    up, the turn ends after three times its seconds.

    Args:
        infer: one request, waited for.
        seconds: of the turn.
        rate_hz: requests per second.
        spin_s: the end of each wait that is spent looking at the clock, not asleep.
    """
    infer()
    clock = time.perf_counter_ns
    count = max(_LEAST, int(seconds * rate_hz))
    started = clock()
    end = started + int(_PATIENCE * seconds * 1e9)
    latency: list[int] = []
    busy = late = 0
    while len(latency) < count and (len(latency) < _LEAST or clock() < end):
        due = started + int(len(latency) * 1e9 / rate_hz)
        if latency and clock() > due:
            late += 1
        _wait_until(due, spin_s)
        begun = clock()
        infer()
        ended = clock()
        busy += ended - begun
        latency.append(ended - due)
    return Slice(np.array(latency) / 1e6, busy / 1e9, late)


def _wait_until(due_ns: int, spin_s: float) -> None:
    while True:
        left = (due_ns - time.perf_counter_ns()) / 1e9
        if left <= 0:
            return
        if left > spin_s:
            time.sleep(left - spin_s)
