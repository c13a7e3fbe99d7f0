"""From a budget to a removal that is proved: choose, prove, keep the culprits, choose again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from edgeprune.prune.budget import Budget, Choice, OriginalSize, choose_removal
from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.equivalence import Equivalence, RemovalNotEqualError, prove
from edgeprune.prune.graph.types import ChannelGraph, Skipped
from edgeprune.prune.stopwatch import Stopwatch
from edgeprune.prune.width_rules import WidthRules


@dataclass(frozen=True)
class Plan:
    """What to remove.

    Attributes:
        choice: the channels, and whether the budget is met.
        equivalence: the proof; None where there is nothing to remove or the budget is not met.
        skipped: groups that the proof refused, and why.
    """

    choice: Choice
    equivalence: Equivalence | None
    skipped: tuple[Skipped, ...]


def plan_removal(
    model: nn.Module,
    graph: ChannelGraph,
    scores: Sequence[FloatArray],
    budget: Budget,
    example_inputs: tuple[Tensor, ...],
    rules: WidthRules | None = None,
    *,
    original: OriginalSize | None = None,
    goal: Budget | None = None,
    watch: Stopwatch | None = None,
) -> Plan:
    """Choose channels for a budget and prove their removal; `model` is not changed.

    A group whose removal is not equal to masking is left alone, and the others make up for it.

    Args:
        model: the network of `graph`.
        graph: its channels.
        scores: importance per channel, one array per group.
        budget: what is to be reached.
        example_inputs: what the model is called with.
        rules: rounding, floors and ranking.
        original: the size that the budget refers to.
        goal: where this removal is a step on the way to a smaller network, the budget of that:
            then only channels go that would go for it as well. Without, every step would meet its
            own budget as best it can, and the sum of them would overshoot one of several.
        watch: counts the seconds of `choice` and `proof`.

    Raises:
        UserInputError: settings out of range, or a model that does not run on the inputs.
    """
    watch = watch or Stopwatch()
    costs = CostModel.of(model, graph)
    locked: set[int] = set()
    skipped: list[Skipped] = []
    choose = partial(choose_removal, graph, scores, rules=rules, original=original, costs=costs)
    while True:
        with watch.part("choice"):
            end = None if goal is None else choose(goal, locked=locked)
            within = end if end is not None and end.met else None
            choice = choose(budget, locked=locked, within=within)
        if not choice.met or choice.removal.is_empty:
            return Plan(choice, None, tuple(skipped))
        try:
            with watch.part("proof"):
                proof = prove(model, graph, choice.removal, example_inputs)
        except RemovalNotEqualError as refusal:
            skipped += refusal.culprits
            locked |= {graph.group_index[culprit.layer] for culprit in refusal.culprits}
        else:
            return Plan(choice, proof, tuple(skipped))
