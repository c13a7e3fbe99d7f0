"""A run's widths under measured budgets: planned, searched at the first event, then settled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from edgeprune.methods.measured.budget import MeasuredBudget
from edgeprune.methods.measured.candidates import Judge, WidthSearch
from edgeprune.methods.measured.check import CALLS
from edgeprune.methods.measured.rounds import Settled
from edgeprune.methods.measured.weighing import Weighing
from edgeprune.prune.budget import Budget, Choice, OriginalSize, choose_removal
from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.importance import NEED_GRADIENTS, score_channels
from edgeprune.prune.removal import Removal
from edgeprune.prune.width_rules import WidthRules
from edgeprune.recipe import Recipe


@dataclass(frozen=True)
class WidthChoice:
    """Chooses widths; runs in the main process.

    Attributes:
        recipe: of the run.
        measured: its measured budgets.
        rules: rounding, floors and ranking.
        original: the network before anything was removed.
    """

    recipe: Recipe
    measured: MeasuredBudget
    rules: WidthRules
    original: OriginalSize

    def plan(
        self, budget: Budget, network: nn.Module, graph: ChannelGraph, costs: CostModel
    ) -> Settled:
        """Correct the prediction before anything is trained: no cost depends on the weights."""
        kind = self.recipe.importance
        scores = score_channels(
            network, graph, "l2" if kind in NEED_GRADIENTS else kind, seed=self.recipe.seed
        )
        return self.settle(budget, Weighing(), graph, scores, costs, calls=1)

    def weighing(
        self,
        budget: Budget,
        graph: ChannelGraph,
        scores: Sequence[FloatArray],
        costs: CostModel,
        trials: Callable[[], Judge],
    ) -> tuple[Weighing, Budget]:
        """How groups are weighed in this run, and the budget with the prediction that suits it.

        Searched once, and kept in the run folder. An order that the user asked for leaves nothing
        to search.
        """
        kept = self.measured.kept_search()
        if kept is None:
            if self.recipe.width_candidates == 1 or not self.is_free:
                return Weighing(), budget
            kept = self._search(budget, graph, scores, costs, trials())
        if not kept["candidates"]:
            return Weighing(), budget
        best = kept["candidates"][0]
        return Weighing.from_dict(best["weighing"]), budget.corrected_by(best["corrections"])

    def settle(
        self,
        budget: Budget,
        weighing: Weighing,
        graph: ChannelGraph,
        scores: Sequence[FloatArray],
        costs: CostModel,
        calls: int = CALLS,
    ) -> Settled:
        """Measure the widths under a weighing, and correct the prediction.

        Args:
            calls: of the meter for each. What is to be final is measured as thoroughly as what is
                delivered: of many single measurements, the best is often one that was off.
        """
        return self.measured.settle(
            budget,
            lambda corrected: self._choose(corrected, weighing, graph, scores, costs),
            lambda removal: self._gone(graph, removal),
            calls,
        )

    @property
    def is_free(self) -> bool:
        """Whether it is left to the search how groups share the budget."""
        return self.rules.global_pruning and not self.rules.isomorphic

    def rules_of(self, weighing: Weighing) -> WidthRules:
        """The user's rules, as a weighing takes them."""
        if not weighing.alike:
            return self.rules
        return replace(self.rules, global_pruning=False, per_cost=False)

    def _search(
        self,
        budget: Budget,
        graph: ChannelGraph,
        scores: Sequence[FloatArray],
        costs: CostModel,
        judge: Judge,
    ) -> dict[str, Any]:
        def propose(weighing: Weighing, within: Budget) -> Choice:
            return self._choose(within, weighing, graph, scores, costs)

        def verify(weighing: Weighing, within: Budget) -> Settled:
            return self.settle(within, weighing, graph, scores, costs, calls=1)

        search = WidthSearch(graph, budget, propose, verify, judge)
        return self.measured.keep_search(search.run(self.recipe.width_candidates, self.recipe.seed))

    def _choose(
        self,
        budget: Budget,
        weighing: Weighing,
        graph: ChannelGraph,
        scores: Sequence[FloatArray],
        costs: CostModel,
    ) -> Choice:
        return choose_removal(
            graph,
            weighing.applied(graph, scores),
            budget,
            self.rules_of(weighing),
            original=self.original,
            costs=costs,
        )

    def _gone(self, graph: ChannelGraph, removal: Removal) -> IntArray:
        """Channels that each group of the original network has lost after a removal.

        A group that tracing no longer finds was reduced to its last channel.
        """
        widths = {g.name: g.size - n for g, n in zip(graph.groups, removal.counts, strict=True)}
        return np.array([n - widths.get(name, 1) for name, n in self.original.widths.items()])
