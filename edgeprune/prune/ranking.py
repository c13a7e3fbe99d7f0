"""The search for the rounding steps to take: a ranking, its shortest sufficient prefix, a tilt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.limits import MACS, PARAMS, Limits
from edgeprune.prune.steps import Steps
from edgeprune.prune.width_rules import WidthRules, structures

Kind = Literal["global", "per_cost", "isomorphic", "alike"]
_STEEPEST_TILT = 2.0
_TILT_HALVINGS = 10


@dataclass(frozen=True, eq=False)
class Order:
    """Which of two steps is taken first.

    Attributes:
        kind: `global`, the less important one; `per_cost`, the one that loses less importance for
            what it saves; `isomorphic`, the one that is further down among the steps of its
            structure; `alike`, the one that leaves its group wider.
        structure: of each group.
    """

    kind: Kind
    structure: IntArray

    @staticmethod
    def of(rules: WidthRules, graph: ChannelGraph) -> Order:
        """What the user's rules say."""
        kind: Kind = "isomorphic" if rules.isomorphic else "global"
        if rules.per_cost:
            kind = "per_cost"
        return Order(kind if rules.global_pruning else "alike", structures(graph))

    def key(self, steps: Steps) -> FloatArray:
        """A number per step; smaller ones come first. It ascends within every group."""
        if self.kind == "alike":
            return steps.fraction
        return steps.score if self.kind == "global" else self._place_in_structure(steps)

    def _place_in_structure(self, steps: Steps) -> FloatArray:
        """The share of its structure's channels that are gone half-way through the step."""
        key = np.empty(len(steps), dtype=np.float64)
        of_step = self.structure[steps.group]
        for structure in np.unique(of_step):
            mine = np.flatnonzero(of_step == structure)
            mine = mine[np.lexsort((steps.order[mine], steps.group[mine], steps.score[mine]))]
            sizes = steps.size[mine]
            key[mine] = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
        return key


@dataclass(frozen=True, eq=False)
class Selection:
    """Steps to take and what comes of them.

    Attributes:
        taken: indices of the steps.
        counts: channels to remove, per group.
        lost: importance of those channels.
        excess: how far the network is then above each limit, shape (3 + tables,).
    """

    taken: IntArray
    counts: IntArray
    lost: float
    excess: FloatArray

    @property
    def holds(self) -> bool:
        """Whether every limit holds."""
        return bool((self.excess <= 0).all())


class Ranking:
    """Takes steps in the order of their importance until the limits hold.

    Args:
        steps: the steps that may be taken.
        costs: parameters and MACs of a selection.
        limits: what has to hold.
        order: which step comes before which.
    """

    def __init__(self, steps: Steps, costs: CostModel, limits: Limits, order: Order) -> None:
        self._steps = steps
        self._costs = costs
        self._limits = limits
        self._order = order
        self._groups = costs.groups

    def choose(self) -> tuple[Selection, bool]:
        """The steps to take, and whether they meet the limits.

        Where they cannot be met, every step is taken; less than one step short counts as met.
        """
        everything = self._select(np.arange(len(self._steps)))
        if not everything.holds:
            return everything, self._short_of_one_step(everything)
        if not len(self._steps):
            return everything, True
        return self._sufficient(), True

    def _sufficient(self) -> Selection:
        """The best of the selections that meet the limits, where taking every step does."""
        if self._order.kind == "per_cost":
            return self._knapsack()
        plain = self._prefix(self._order.key(self._steps))
        if self._order.kind == "alike":
            return plain
        candidates = [self._without_needless(plain)]
        if self._order.kind == "global" and self._limits.has_both_costs:
            candidates.append(self._without_needless(self._between_costs()))
        return min(candidates, key=lambda selection: selection.lost)

    def _tilted_key(self, tilt: float) -> FloatArray:
        """Importance over the width that is left, weighted by what a group's channels cost.

        A multiplier search needs diminishing returns: where the scores of a group are close
        together, as they mostly are, a weight on the bare score empties whole groups or none. The
        value log(width) gives them; its slope is 1 / width.
        """
        steps = self._steps
        weight = self._macs_per_param**tilt
        key: FloatArray = steps.score / (1.0 - steps.fraction) * weight[steps.group]
        return key

    def _between_costs(self) -> Selection:
        """Of the tilts between pruning for MACs and for parameters, the one that loses least.

        Bisects for the tilt at which both limits are met without overshooting either.
        """
        best = self._prefix(self._tilted_key(0.0))
        direction = 1.0 if self._params_bind(best) else -1.0
        low, high = 0.0, _STEEPEST_TILT
        for _ in range(_TILT_HALVINGS):
            middle = (low + high) / 2
            found = self._prefix(self._tilted_key(direction * middle))
            if found.lost < best.lost:
                best = found
            if self._params_bind(found) == (direction > 0):
                low = middle
            else:
                high = middle
        return best

    def _knapsack(self) -> Selection:
        """Of the prices for parameters and MACs, those under which least importance is lost.

        The multipliers of the two budgets, up to a common factor: the share of the price that lies
        on MACs. Where both are limited, bisects for the one that makes both bind. Rankings without
        a price compete: a greedy knapsack can overshoot with its last, expensive step.
        """
        if not self._limits.has_both_costs:
            return self._without_needless(self._prefix(self._price_key(self._single_price())))
        found = [self._prefix(self._price_key(share)) for share in (0.0, 1.0)]
        found += [self._prefix(self._steps.score), self._between_costs()]
        low, high = 0.0, 1.0
        for _ in range(_TILT_HALVINGS):
            middle = (low + high) / 2
            found.append(self._prefix(self._price_key(middle)))
            if self._params_bind(found[-1]):
                high = middle
            else:
                low = middle
        found = [self._without_needless(selection) for selection in found]
        return min(found, key=lambda selection: float(self._worth[selection.taken].sum()))

    @cached_property
    def _worth(self) -> FloatArray:
        """Importance lost by each step, with diminishing returns (see `_tilted_key`)."""
        worth: FloatArray = self._steps.lost / (1.0 - self._steps.fraction)
        return worth

    def _single_price(self) -> float | None:
        """0 or 1 where only parameters or only MACs are limited; None where channels count."""
        bounded = np.isfinite(self._limits.bound)
        if bounded[MACS]:
            return 1.0
        return 0.0 if bounded[PARAMS] else None

    def _price_key(self, share_on_macs: float | None) -> FloatArray:
        """Importance lost for what a step saves, with diminishing returns (see `_tilted_key`)."""
        steps = self._steps
        key: FloatArray = steps.score / (1.0 - steps.fraction)
        if share_on_macs is None:
            return key
        saved = self._saved_per_unit @ np.array([1.0 - share_on_macs, share_on_macs])
        channels = steps.per_unit.sum(axis=1)
        priced: FloatArray = key * channels[steps.group] / saved[steps.group]
        return priced

    def _prefix(self, key: FloatArray) -> Selection:
        """The shortest prefix, in ascending order of `key`, that meets the limits."""
        steps = self._steps
        ranking = np.lexsort((steps.order, steps.group, key))
        low, high = 0, len(ranking)
        while low < high:
            middle = (low + high) // 2
            if self._select(ranking[:middle]).holds:
                high = middle
            else:
                low = middle + 1
        return self._select(ranking[:low])

    def _without_needless(self, selection: Selection) -> Selection:
        """Give back the most important last steps that the limits do not need."""
        while True:
            last = self._last_steps(selection)
            without = self._counts_without(last, selection)
            spare = last[(self._excess(without) <= 0).all(axis=1)]
            if not len(spare):
                return selection
            given_back = spare[np.argmax(self._steps.lost[spare])]
            selection = self._select(selection.taken[selection.taken != given_back])

    def _short_of_one_step(self, everything: Selection) -> bool:
        last = self._last_steps(everything)
        if not len(last):
            return False
        without = self._counts_without(last, everything)
        missed = everything.excess > 0
        short = everything.excess[missed]
        largest = (self._excess(without)[:, missed] - short).max(axis=0)
        return bool((short < largest).all())

    def _counts_without(self, steps: IntArray, selection: Selection) -> IntArray:
        """The selection's counts without one of `steps` each, shape (steps, groups)."""
        given_back = self._steps.per_unit[self._steps.group[steps]]
        without: IntArray = selection.counts - given_back * self._steps.size[steps][:, None]
        return without

    def _last_steps(self, selection: Selection) -> IntArray:
        """Of every group with a step taken, the last one."""
        taken = np.sort(selection.taken)
        ends = np.append(np.diff(self._steps.group[taken]) != 0, True)
        last: IntArray = taken[ends[: len(taken)]]
        return last

    @cached_property
    def _cost_per_unit(self) -> FloatArray:
        """Parameters and MACs that go with one unit of each group, shape (groups, 2)."""
        none = np.zeros((1, self._groups), dtype=np.int64)
        costs = self._costs.params_and_macs(np.vstack([none, self._steps.per_unit]))
        saved: FloatArray = np.maximum(costs[0] - costs[1:], 1.0)
        return saved

    @cached_property
    def _saved_per_unit(self) -> FloatArray:
        """The same as shares of the original network."""
        share: FloatArray = self._cost_per_unit / self._limits.whole[[PARAMS, MACS]]
        return share

    @cached_property
    def _macs_per_param(self) -> FloatArray:
        """What a unit of each group weighs in MACs, relative to parameters; 1 on average."""
        per_unit = self._cost_per_unit
        ratio = per_unit[:, 1] / per_unit[:, 0]
        scaled: FloatArray = ratio / np.exp(np.log(ratio).mean())
        return scaled

    def _params_bind(self, selection: Selection) -> bool:
        """Whether parameters are closer to their limit than MACs, as shares of the original."""
        share = selection.excess[[PARAMS, MACS]] / self._limits.whole[[PARAMS, MACS]]
        return bool(share[0] > share[1])

    def _select(self, taken: IntArray) -> Selection:
        steps = self._steps
        units = np.bincount(
            steps.group[taken], weights=steps.size[taken], minlength=self._groups
        ).astype(np.int64)
        counts: IntArray = units @ steps.per_unit
        excess = self._excess(counts[None, :])[0]
        return Selection(taken, counts, float(steps.lost[taken].sum()), excess)

    def _excess(self, counts: IntArray) -> FloatArray:
        return self._limits.excess(counts, self._costs.params_and_macs(counts))
