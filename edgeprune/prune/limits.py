"""Budgets as bounds on what a network may still have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph

# Columns of an excess: how far a network is above each bound.
CHANNELS, PARAMS, MACS = range(3)
_NAMES = {"pruning_ratio": CHANNELS, "target_params": PARAMS, "target_macs": MACS}
_EXACT = 1e-9


@dataclass(frozen=True, eq=False)
class Limits:
    """Upper bounds on channels, parameters and MACs; infinite where nothing is asked.

    Attributes:
        bound: shape (3,), absolute numbers.
        whole: shape (3,), the same of the original network.
        present_channels: prunable channels now.
        relative: names of budgets that are fractions of the original.
    """

    bound: FloatArray
    whole: FloatArray
    present_channels: int
    relative: frozenset[str]

    @staticmethod
    def of(
        asked: Mapping[str, float],
        graph: ChannelGraph,
        widths: Mapping[str, int],
        size: tuple[int, int],
    ) -> Limits:
        """Bounds for the budgets `asked`.

        Args:
            widths: original width of each group, by name.
            size: original parameters and MACs.
        """
        whole = np.array([sum(widths.values()), *size], dtype=np.float64)
        bound = np.full(3, np.inf)
        relative = frozenset(name for name, value in asked.items() if value <= 1)
        for name, value in asked.items():
            kept = 1.0 - value if name == "pruning_ratio" else value
            column = _NAMES[name]
            bound[column] = kept * whole[column] if name in relative else kept
        present = {group.name: group.size for group in graph.groups}
        # A group that tracing no longer finds was reduced to its last channel.
        channels = sum(present.get(name, 1) for name in widths)
        return Limits(bound, whole, channels, relative)

    def excess(self, removed_channels: NDArray[np.int64], costs: FloatArray) -> FloatArray:
        """How far networks are above the bounds, shape (networks, 3); negative is below.

        Args:
            removed_channels: shape (networks,).
            costs: parameters and MACs, shape (networks, 2).
        """
        left = self.present_channels - removed_channels
        usage = np.column_stack([left, costs])
        return usage - self.bound - _EXACT * self.whole

    def reached(self, removed_channels: int, params: int, macs: int) -> dict[str, float]:
        """The asked budgets' present values, in the unit each was given in."""
        usage = (self.present_channels - removed_channels, params, macs)
        found = {}
        for name, column in _NAMES.items():
            if np.isinf(self.bound[column]):
                continue
            share = float(usage[column] / self.whole[column]) if self.whole[column] else 0.0
            if name == "pruning_ratio":
                found[name] = 1.0 - share
            else:
                found[name] = share if name in self.relative else float(usage[column])
        return found

    def decisive(self, excess: FloatArray) -> tuple[str, ...]:
        """Names of the budgets that are missed, or of the one that is met most narrowly."""
        share = np.where(np.isinf(self.bound), -np.inf, excess / np.maximum(self.whole, 1.0))
        missed = share > 0
        if not missed.any():
            missed = share == share.max()
        return tuple(name for name, column in _NAMES.items() if missed[column])

    @property
    def has_both_costs(self) -> bool:
        """Whether parameters and MACs are both limited."""
        return bool(np.isfinite(self.bound[[PARAMS, MACS]]).all())
