"""A measured cost (milliseconds, millijoules) predicted from widths.

Whole networks are measured with one group narrowed at a time. Their savings cannot just be added
up: the time of a convolution goes with the product of its widths, so that what two groups on one
layer save alone counts part of it twice. Multiply-accumulates show the same, and exactly. So the
saving is taken apart: a share `by_macs` goes with the MACs of the whole network, and every group
saves something more, or less, than that by itself. The share is fitted on networks that are
narrowed as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph, IntArray

_SMALLEST, _LARGEST = 0.2, 5.0  # correction by one measurement; beyond, something else is wrong
_NO_SAVING = 1e-6


@dataclass(frozen=True)
class GroupSaving:
    """What narrowing one group alone saves.

    Attributes:
        widths: ascending; the last is the original one.
        saved: share of the dense network's cost, per width; 0 at the last.
        macs_saved: share of its multiply-accumulates, likewise.
    """

    widths: tuple[int, ...]
    saved: tuple[float, ...]
    macs_saved: tuple[float, ...]

    def beyond_macs(self, width: IntArray, by_macs: float) -> FloatArray:
        """Saved beyond `by_macs` times the MACs, between measured widths on straight lines."""
        beyond = np.asarray(self.saved) - by_macs * np.asarray(self.macs_saved)
        found: FloatArray = np.interp(width, self.widths, beyond)
        return found


@dataclass(frozen=True)
class CostTable:
    """One cost of one network on one target.

    Attributes:
        name: of the budget that it serves, `target_latency_ms` or `target_energy_mj`.
        dense: cost of the network before pruning, in that unit.
        groups: by the name of the group (of linked groups, the first).
        by_macs: the share of the cost that goes with the MACs of the whole network.
        correction: what a measurement of a pruned network multiplies the predicted saving by.
    """

    name: str
    dense: float
    groups: Mapping[str, GroupSaving]
    by_macs: float = 1.0
    correction: float = 1.0

    def predict(self, graph: ChannelGraph, removed: IntArray, macs: FloatArray) -> FloatArray:
        """The cost of networks, in the table's unit.

        Args:
            graph: the network as it is now, which may have been pruned before.
            removed: channels that go, shape (networks, groups).
            macs: what is left then, as a share of the dense network's MACs, shape (networks,).

        Returns:
            Shape (networks,).
        """
        saved = self.by_macs * (1.0 - macs) + self._beyond_macs(graph, removed)
        cost: FloatArray = self.dense * (1.0 - self.correction * saved)
        return cost

    def fitted(
        self, graph: ChannelGraph, removed: IntArray, macs: FloatArray, shares: Sequence[float]
    ) -> CostTable:
        """The table with the `by_macs` that suits networks narrowed as a whole, by least squares.

        Args:
            removed, macs: of these networks, as in `predict`.
            shares: their measured costs, as shares of the dense network's.
        """
        nothing, everything = (
            replace(self, by_macs=share).predict(graph, removed, macs) / self.dense
            for share in (0.0, 1.0)
        )
        slope = everything - nothing
        if not (slope @ slope) > 0:
            return self
        share = slope @ (np.asarray(shares) - nothing) / (slope @ slope)
        return replace(self, by_macs=float(np.clip(share, 0.0, 1.0)))

    def corrected(self, predicted: float, measured: float) -> CostTable:
        """The table after a network that it gave `predicted` was measured.

        The predicted saving is scaled so that it is right for that network.
        """
        before = (1.0 - predicted / self.dense) / self.correction
        if before < _NO_SAVING:
            return self
        factor = (1.0 - measured / self.dense) / before
        return replace(self, correction=min(max(factor, _SMALLEST), _LARGEST))

    def _beyond_macs(self, graph: ChannelGraph, removed: IntArray) -> FloatArray:
        total = np.zeros(len(removed))
        for name, saving in self.groups.items():
            number = graph.group_index.get(name)
            # A group that tracing no longer finds was reduced to its last channel.
            width = (
                np.ones(len(removed), dtype=np.int64)
                if number is None
                else graph.groups[number].size - removed[:, number]
            )
            total += saving.beyond_macs(width, self.by_macs)
        return total
