"""Latency of several models on one device in one run.

Models are timed in turns, in a new random order every repeat, so that a slow spell of the machine
(another process, a lower clock) falls on all of them and not on the one that happened to run then.
"""

from __future__ import annotations

import contextlib
import gc
import random
import time
from dataclasses import dataclass
from typing import Iterator, Mapping

import numpy as np

from edgeprune.device.errors import DeviceError
from edgeprune.device.runners.base import Runner


@dataclass(frozen=True)
class Latency:
    """Time of one inference, end to end, over `repeats` timed ones.

    `std_ms` is the sample standard deviation, 0 for a single repeat.
    """

    p50_ms: float
    p99_ms: float
    mean_ms: float
    std_ms: float
    repeats: int


def measure_interleaved(
    runners: Mapping[str, Runner],
    feed: Mapping[str, np.ndarray],
    *,
    warmup: int = 10,
    repeats: int = 100,
    seed: int = 0,
) -> dict[str, Latency]:
    """Time one inference of every runner, `repeats` times, in turns.

    Args:
        runners: what to compare, by name. Runners that are not active are activated for the
            measurement and deactivated afterwards.
        feed: inputs that every runner gets, batch on axis 0.
        warmup: untimed inferences of every runner before the first timed one.
        repeats: timed inferences of every runner.
        seed: of the order within each repeat.

    Returns:
        The latency of every runner, in the order given.

    Raises:
        DeviceError: no runners, or fewer than one repeat, or a runner that fails.
    """
    if not runners:
        raise DeviceError("nothing to measure: no runners are given")
    if repeats < 1 or warmup < 0:
        raise DeviceError(f"repeats = {repeats}, warmup = {warmup}: use repeats >= 1, warmup >= 0")
    with contextlib.ExitStack() as stack:
        for runner in runners.values():
            if not runner.active:
                stack.enter_context(runner)
        for _ in range(warmup):
            for runner in runners.values():
                runner.infer(feed)
        with without_collector():
            times_ms = _time_in_turns(runners, feed, repeats, random.Random(seed))
    return {name: summarise_times(times_ms[name]) for name in runners}


def summarise_times(times_ms: np.ndarray) -> Latency:
    """Percentiles (linear interpolation), mean and deviation of times of shape (repeats,)."""
    return Latency(
        p50_ms=float(np.percentile(times_ms, 50)),
        p99_ms=float(np.percentile(times_ms, 99)),
        mean_ms=float(np.mean(times_ms)),
        std_ms=float(np.std(times_ms, ddof=1)) if len(times_ms) > 1 else 0.0,
        repeats=len(times_ms),
    )


def _time_in_turns(
    runners: Mapping[str, Runner],
    feed: Mapping[str, np.ndarray],
    repeats: int,
    order: random.Random,
) -> dict[str, np.ndarray]:
    times_ms = {name: np.empty(repeats) for name in runners}
    names = list(runners)
    for repeat in range(repeats):
        order.shuffle(names)
        for name in names:
            started = time.perf_counter_ns()
            runners[name].infer(feed)
            times_ms[name][repeat] = (time.perf_counter_ns() - started) / 1e6
    return times_ms


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Keep the garbage collector out of the timed section."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
