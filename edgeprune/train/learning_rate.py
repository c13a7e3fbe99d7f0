"""Learning rate as a function of progress; no state, so a resumed run needs none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LearningRate:
    """A schedule over `epochs` epochs.

    Attributes:
        peak: the highest rate.
        kind: `multistep` (times `gamma` at each milestone), `cosine` (to zero) or `one_cycle`
            (linear rise over `warmup`, then cosine to zero).
        epochs: length of the schedule.
        milestones: epochs of the multistep drops.
        gamma: factor of a drop.
        warmup: share of the schedule with a linear rise; at least a third for `one_cycle`
            unless given.
        offset: epochs of the schedule that passed before this training (one schedule over
            several trainings).
    """

    peak: float
    kind: str
    epochs: float
    milestones: Sequence[int] = ()
    gamma: float = 0.1
    warmup: float = 0.0
    offset: float = 0.0

    def at(self, epoch: float) -> float:
        """Rate at a (fractional) epoch of this training."""
        now = epoch + self.offset
        warmup = self.warmup or (0.3 if self.kind == "one_cycle" else 0.0)
        rise = warmup * self.epochs
        if now < rise:
            return self.peak * max(now, 0.02 * rise) / rise
        if self.kind == "multistep":
            return self.peak * self.gamma ** sum(now >= milestone for milestone in self.milestones)
        position = (now - rise) / max(self.epochs - rise, 1e-9)
        return self.peak * 0.5 * (1.0 + math.cos(math.pi * min(position, 1.0)))
