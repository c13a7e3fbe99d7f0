"""Widths under measured costs (milliseconds, millijoules): a knapsack over the tables."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import IntArray
from edgeprune.prune.knapsack import least_loss
from edgeprune.prune.limits import COUNTED
from edgeprune.prune.ranking import Ranking, Selection

_ROUNDS = 4  # of the knapsack, each around what the one before found
_UNUSED = 0.03  # of every limit: more is made use of in finer steps
_PRICES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class TableRanking(Ranking):
    """Takes the steps that lose least within what tables predict, and within all other limits."""

    def _sufficient(self) -> Selection:
        """The widths that lose least under measured costs, and under all other limits.

        What a group saves depends on the others' widths. So the knapsack is asked for what it would
        change in a network that fits, and again for that one, a few times; where it misses a limit,
        further steps follow in their usual order. Plain rankings compete, that which narrows all
        groups alike among them.

        All are brought to widths that were measured, and the best is taken. Between two of them the
        time of a kernel that pads its channels is a step, which no straight line shows.
        """
        key = self._damage / self._steps.size  # of a channel: it ascends within every group
        plain = (self._prefix(each) for each in (self._steps.score, key, self._steps.fraction))
        found = [self._rounded(selection) for selection in plain]
        for number in range(len(self._limits.tables)):
            start = found[1]
            for price in (*(0.0 for _ in range(_ROUNDS)), *_PRICES * self._limits.has_other_limits):
                taken = self._table_knapsack(COUNTED + number, start, price)
                start = self._rounded(self._completed(taken, key))
                found.append(start)
        return min(found, key=lambda selection: float(self._damage[selection.taken].sum()))

    def _table_knapsack(self, column: int, near: Selection, price: float) -> IntArray:
        """Steps to take for the limit of one table, with savings as they are around a selection.

        Args:
            column: of the table's limit.
            near: the selection.
            price: what all that the steps save of other limited costs is worth, as a share of all
                they lose: steps that save some of them become cheaper by it.
        """
        loss = self._damage
        if price:
            loss = loss - price * loss.sum() * self._relief()
        losses, savings, members = [], [], []
        needed = 0.0
        for group in np.unique(self._steps.group):
            ends = self._stops[int(group)]
            mine = np.flatnonzero(self._steps.group == group)
            units = np.concatenate([[0], np.cumsum(self._steps.size[mine])])[ends]
            others = near.counts * (self._steps.per_unit[group] == 0)
            excess = self._excess(others + units[:, None] * self._steps.per_unit[group])[:, column]
            # Noise can make a narrower group cost more: it saves no less than a wider one.
            savings.append(np.maximum.accumulate(excess[0] - excess))
            needed += excess[0] - near.excess[column]
            losses.append(np.concatenate([[0.0], np.cumsum(loss[mine])])[ends])
            members.append([mine[:n] for n in ends])
        chosen = least_loss(losses, savings, needed + near.excess[column])
        if chosen is None:  # as far as savings around this selection tell
            return np.arange(len(self._steps))
        return np.concatenate([mine[n] for mine, n in zip(members, chosen, strict=True)])

    @cached_property
    def _stops(self) -> dict[int, IntArray]:
        """By group: after how many of its steps it has a width that was measured, from 0 on."""
        tables, steps, found = self._limits.tables, self._steps, {}
        for group in np.unique(steps.group).tolist():
            one = self._limits.graph.groups[group]
            own = [table.groups[one.name] for table in tables if one.name in table.groups]
            gone = np.cumsum(steps.size[steps.group == group]) * steps.per_unit[group, group]
            widths = np.concatenate([[one.size], one.size - gone])
            measured = np.isin(widths, [width for saving in own for width in saving.widths])
            measured[0], measured[-1] = True, True  # nothing to go to beyond the last
            found[group] = np.flatnonzero(measured)
        return found

    def _rounded(self, selection: Selection) -> Selection:
        """The selection with measured widths: narrowed to them, then widened as the limits allow.

        A step of the user's rounding at a time only where much would be left unused otherwise, as
        where groups are few.
        """
        taken = np.bincount(self._steps.group[selection.taken], minlength=self._groups)
        places = {g: int(np.searchsorted(ends, taken[g])) for g, ends in self._stops.items()}
        found = self._widened(places)
        if not found.holds:  # noise: a narrower group was measured to cost more
            return self._without_needless(selection)
        limited = np.isfinite(self._limits.bound)
        unused = -found.excess[limited] / self._limits.bound[limited]
        return self._without_needless(found) if unused.min() > _UNUSED else found

    def _widened(self, places: dict[int, int]) -> Selection:
        """Groups get their next wider measured widths, while the limits hold; the best first.

        Args:
            places: of every group's width among its measured ones.
        """
        while True:
            selection = self._select(
                np.concatenate([self._parts(*one)[0] for one in places.items()])
            )
            pruned = [group for group, place in places.items() if place]
            back = [self._parts(group, places[group])[1] for group in pruned]
            units = np.array([self._steps.size[steps].sum() for steps in back], dtype=np.int64)
            counts = selection.counts - units[:, None] * self._steps.per_unit[pruned]
            gains = np.array([self._damage[steps].sum() for steps in back])
            holds = (self._excess(counts) <= 0).all(axis=1) if pruned else np.array([], dtype=bool)
            if not holds.any():
                return selection
            places[pruned[int(np.argmax(np.where(holds, gains, -np.inf)))]] -= 1

    def _parts(self, group: int, place: int) -> tuple[IntArray, IntArray]:
        """A group's steps down to a measured width, and the last of them, from the next wider."""
        mine, ends = np.flatnonzero(self._steps.group == group), self._stops[group]
        return mine[: ends[place]], mine[ends[max(0, place - 1)] : ends[place]]

    def _completed(self, taken: IntArray, key: FloatArray) -> Selection:
        """`taken`, and further steps in the order of `key` until every limit holds."""
        first = np.zeros(len(self._steps), dtype=bool)
        first[taken] = True
        if self._select(taken).holds:
            return self._select(taken)
        return self._prefix(np.where(first, -1.0 - 1.0 / (1.0 + key), key))

    def _relief(self) -> FloatArray:
        """The share of what all steps together save of other limited costs, per step."""
        saved = self._saved_per_unit[self._steps.group] * self._steps.size[:, None]
        channels = self._steps.per_unit.sum(axis=1)[self._steps.group] * self._steps.size
        columns = np.column_stack([channels, saved])[:, np.isfinite(self._limits.bound[:COUNTED])]
        if not columns.shape[1]:
            return np.zeros(len(self._steps))
        relief: FloatArray = (columns / columns.sum(axis=0)).mean(axis=1)
        return relief

    @cached_property
    def _damage(self) -> FloatArray:
        """What each step does to the network: importance lost, with diminishing returns.

        Most criteria compare channels within a group only (their mean is 1 in each), and a channel
        of 16 is worth more than one of 64: what counts is the share of every layer that writes the
        group, so that a residual stream weighs as much as its layers. Criteria that say what a
        channel is worth to the whole network are for `per_cost`, and count as they are.
        """
        if self._order.kind == "per_cost":
            return self._worth
        steps, group = self._steps, self._steps.group
        lead = steps.per_unit[group, group]
        channels = steps.per_unit.sum(axis=1)[group] / lead
        graph = self._limits.graph
        layers = np.array([max(1, sum(s.writes for s in each.slices)) for each in graph.groups])
        written = (steps.per_unit > 0) @ layers
        share = self._worth / (channels * self._original_width[group])
        damage: FloatArray = share * written[group]
        return damage

    @cached_property
    def _original_width(self) -> FloatArray:
        """Channels that each group with steps had in the original network."""
        steps, first = self._steps, self._steps.order == 0
        group = steps.group[first]
        present = np.array([each.size for each in self._limits.graph.groups], dtype=np.float64)
        middle = present[group] - steps.per_unit[group, group] * steps.size[first] / 2
        present[group] = middle / (1.0 - steps.fraction[first])
        return present
