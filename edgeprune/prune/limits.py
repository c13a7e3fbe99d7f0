"""Budgets as bounds on what a network may still have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.cost_table import CostTable
from edgeprune.prune.graph.types import ChannelGraph, IntArray

# Columns of an excess: how far a network is above each bound. Measured costs come after them.
CHANNELS, PARAMS, MACS = range(3)
COUNTED = 3
_NAMES = {"pruning_ratio": CHANNELS, "target_params": PARAMS, "target_macs": MACS}
_EXACT = 1e-9
_UNTOLD = 0.01  # of a measured cost: no step is given up for less than measuring can tell


@dataclass(frozen=True, eq=False)
class Limits:
    """Upper bounds on channels, parameters, MACs and measured costs; infinite where none is asked.

    Attributes:
        bound: shape (3 + tables,), absolute numbers.
        whole: the same of the original network.
        present_channels: prunable channels now.
        relative: names of budgets that are fractions of the original.
        graph: the network as it is now, whose channels the tables are asked about.
        tables: predict the measured costs.
    """

    bound: FloatArray
    whole: FloatArray
    present_channels: int
    relative: frozenset[str]
    graph: ChannelGraph
    tables: tuple[CostTable, ...] = ()

    @staticmethod
    def of(
        asked: Mapping[str, float],
        graph: ChannelGraph,
        widths: Mapping[str, int],
        size: tuple[int, int],
        tables: Sequence[CostTable] = (),
    ) -> Limits:
        """Bounds for the budgets `asked`; those of predicted costs are 1 % wider.

        Args:
            widths: original width of each group, by name.
            size: original parameters and MACs.
            tables: one per measured cost that is asked for.
        """
        dense = (table.dense for table in tables)
        whole = np.array([sum(widths.values()), *size, *dense], dtype=np.float64)
        bound = np.full(len(whole), np.inf)
        columns = _columns(tables)
        relative = frozenset(name for name in _NAMES if asked.get(name, np.inf) <= 1)
        for name, value in asked.items():
            kept = 1.0 - value if name == "pruning_ratio" else value
            column = columns[name]
            bound[column] = kept * whole[column] if name in relative else kept
        bound[COUNTED:] *= 1.0 + _UNTOLD
        present = {group.name: group.size for group in graph.groups}
        # A group that tracing no longer finds was reduced to its last channel.
        channels = sum(present.get(name, 1) for name in widths)
        return Limits(bound, whole, channels, relative, graph, tuple(tables))

    def excess(self, removed: IntArray, costs: FloatArray) -> FloatArray:
        """How far networks are above the bounds, shape (networks, 3 + tables); negative is below.

        Args:
            removed: channels that go, shape (networks, groups).
            costs: parameters and MACs, shape (networks, 2).
        """
        excess: FloatArray = self._usage(removed, costs) - self.bound - _EXACT * self.whole
        return excess

    def reached(self, removed: IntArray, params: int, macs: int) -> dict[str, float]:
        """The asked budgets' present values, in the unit each was given in.

        Args:
            removed: channels that go, shape (groups,).
        """
        usage = self._usage(removed[None, :], np.array([[params, macs]]))[0]
        found = {}
        for name, column in _columns(self.tables).items():
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
        whole = np.where(self.whole > 0, self.whole, 1.0)
        share = np.where(np.isinf(self.bound), -np.inf, excess / whole)
        missed = share > 0
        if not missed.any():
            missed = share == share.max()
        return tuple(name for name, column in _columns(self.tables).items() if missed[column])

    @property
    def has_both_costs(self) -> bool:
        """Whether parameters and MACs are both limited."""
        return bool(np.isfinite(self.bound[[PARAMS, MACS]]).all())

    @property
    def has_other_limits(self) -> bool:
        """Whether something besides one table's cost is limited."""
        return int(np.isfinite(self.bound).sum()) > 1

    def _usage(self, removed: IntArray, costs: FloatArray) -> FloatArray:
        left = self.present_channels - removed.sum(axis=1)
        macs = costs[:, 1] / self.whole[MACS]
        predicted = [table.predict(self.graph, removed, macs) for table in self.tables]
        return np.column_stack([left, costs, *predicted])


def _columns(tables: Sequence[CostTable]) -> dict[str, int]:
    return {**_NAMES, **{table.name: COUNTED + n for n, table in enumerate(tables)}}
