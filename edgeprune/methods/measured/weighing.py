"""How the groups of a network are weighed against each other when a budget is shared out.

What a group's channels are worth to the network after it was trained on is not in its weights: the
scores of most criteria compare channels of one group only. A weighing says how to read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph

_SMALLEST = 1e-12


@dataclass(frozen=True)
class Weighing:
    """One way to weigh.

    Attributes:
        spread: power that scores are raised to: 1 takes them as they are; towards 0 all channels
            of a group count alike, and only widths decide. Which channel goes first stays.
        alike: narrow all groups alike instead of by their scores.
        factors: how much more a group counts, by its name; 1 where it has none.
    """

    spread: float = 1.0
    alike: bool = False
    factors: Mapping[str, float] = field(default_factory=dict)

    def applied(self, graph: ChannelGraph, scores: Sequence[FloatArray]) -> list[FloatArray]:
        """The scores as they count.

        Args:
            scores: one array per group of `graph`, not negative where finite.
        """
        return [
            self.factors.get(group.name, 1.0) * self._spread(score)
            for group, score in zip(graph.groups, scores, strict=True)
        ]

    def with_factor(self, group: str, factor: float) -> Weighing:
        """The same with a group's factor multiplied."""
        before = self.factors.get(group, 1.0)
        return replace(self, factors={**self.factors, group: before * factor})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> Weighing:
        """The inverse of `as_dict`."""
        return Weighing(**saved)

    def _spread(self, score: FloatArray) -> FloatArray:
        """The mean of a group stays what it is, so that criteria that compare groups still do."""
        if self.spread == 1.0 or not np.isfinite(score).all():
            return score
        powered: FloatArray = np.maximum(score, _SMALLEST) ** self.spread
        spread: FloatArray = powered * (score.mean() / powered.mean())
        return spread
