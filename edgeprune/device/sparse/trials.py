"""The second gate: what the model let through is measured on the device, tactic by tactic.

Measuring is the caller's: whoever runs the kernel (the plugin's benchmark on a board, the compiled
CPU kernel elsewhere) gives a function from a tactic to milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Sequence

from edgeprune.device.errors import DeviceError
from edgeprune.device.sparse.tactics import Tactic, TrialKey
from edgeprune.device.sparse.trial_cache import Trial, TrialCache

Measure = Callable[[Tactic], float]


class TacticRefusedError(DeviceError):
    """A tactic that this device or layer cannot have; the trial goes on without it."""


@dataclass(frozen=True)
class Verdict:
    """What the trials of a layer said.

    Attributes:
        trial: the fastest tactic and its time.
        dense_ms: what it has to beat.
        copies_ms: of the layouts around it, already known.
        cached: whether it was measured before and not now.
    """

    trial: Trial
    dense_ms: float
    copies_ms: float
    cached: bool

    @property
    def goes_sparse(self) -> bool:
        """Measured times need no margin: sparse goes on where it is faster."""
        return self.trial.time_ms + self.copies_ms < self.dense_ms


def run_trials(
    key: TrialKey, tactics: Sequence[Tactic], measure: Measure, cache: TrialCache
) -> tuple[Trial, bool]:
    """The fastest tactic, from the cache or by measuring all of them.

    Returns:
        The trial, and whether the cache had it.

    Raises:
        DeviceError: no tactic could be measured, or a time is no time.
    """
    held = cache.find(key)
    if held is not None:
        return held, True
    trials = [trial for trial in (_try(one, measure) for one in tactics) if trial is not None]
    if not trials:
        raise DeviceError(f"none of {len(tactics)} tactics runs on sm_{key.sm}: leave it dense")
    best = min(trials, key=lambda trial: trial.time_ms)
    cache.keep(key, best)
    return best, False


def judge(
    key: TrialKey,
    tactics: Sequence[Tactic],
    measure: Measure,
    cache: TrialCache,
    *,
    dense_ms: float,
    copies_ms: float = 0.0,
) -> Verdict:
    """Gate 2 for one layer; see `run_trials`.

    Args:
        dense_ms: the dense layer, measured on this device at these clocks.
        copies_ms: of the layouts around the layer.
    """
    trial, cached = run_trials(key, tactics, measure, cache)
    return Verdict(trial, dense_ms, copies_ms, cached)


def _try(tactic: Tactic, measure: Measure) -> Trial | None:
    try:
        time_ms = float(measure(tactic))
    except TacticRefusedError:
        return None
    if not math.isfinite(time_ms) or time_ms <= 0.0:
        raise DeviceError(f"{tactic}: measured {time_ms} ms, which is no time")
    return Trial(tactic, time_ms)
