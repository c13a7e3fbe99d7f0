"""How much to remove, and the choice of channels that meets it.

Channels are ranked over the whole network (or every group alike) and removed in rounding steps
until every budget is met. Late stages hold the parameters and early stages the MACs, so a ranking
that serves one budget overshoots the other; with both given, rankings tilted between them are
tried too, and the one that meets both with the least importance lost is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeprune.errors import UserInputError
from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.cost_table import CostTable
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.limits import Limits
from edgeprune.prune.ranking import Order, Ranking, Selection
from edgeprune.prune.removal import Removal, make_removal
from edgeprune.prune.steps import make_steps
from edgeprune.prune.table_ranking import TableRanking
from edgeprune.prune.width_rules import WidthRules


@dataclass(frozen=True)
class OriginalSize:
    """The network before anything was removed; budgets and floors are fractions of it.

    Attributes:
        widths: channels of each group, by group name.
        params: parameters.
        macs: multiply-accumulates at the traced inputs.
    """

    widths: Mapping[str, int]
    params: int
    macs: int

    @staticmethod
    def of(graph: ChannelGraph, costs: CostModel | None = None) -> OriginalSize:
        """The size of the network that `graph` describes."""
        model = costs or CostModel(graph)
        widths = {group.name: group.size for group in graph.groups}
        return OriginalSize(widths, model.params(), model.macs())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a state file."""
        return {"widths": dict(self.widths), "params": self.params, "macs": self.macs}

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> OriginalSize:
        """The inverse of `as_dict`."""
        return OriginalSize(dict(saved["widths"]), int(saved["params"]), int(saved["macs"]))


@dataclass(frozen=True)
class MeasuredTarget:
    """A cost that is not to be exceeded, in the unit of the table that predicts it."""

    table: CostTable
    value: float


@dataclass(frozen=True)
class Budget:
    """What is to be reached; where several are given, all of them.

    Attributes:
        pruning_ratio: fraction of the original network's prunable channels to remove, in [0, 1).
        target_params: parameters to keep: a number, or up to 1 a fraction of the original.
        target_macs: MACs to keep, likewise.
        measured: milliseconds and millijoules, as tables predict them.
    """

    pruning_ratio: float | None = None
    target_params: float | None = None
    target_macs: float | None = None
    measured: tuple[MeasuredTarget, ...] = ()

    def __post_init__(self) -> None:
        if not self.asked():
            raise UserInputError("no budget: give pruning_ratio, target_params or target_macs")
        for name, value in self.asked().items():
            in_range = 0 <= value < 1 if name == "pruning_ratio" else 0 < value < float("inf")
            if not in_range:
                wanted = "from 0 to below 1" if name == "pruning_ratio" else "above 0"
                raise UserInputError(f"{name}: {value:g} is out of range; give a number {wanted}")

    def asked(self) -> dict[str, float]:
        """The budgets that are given, by name."""
        given = {
            "pruning_ratio": self.pruning_ratio,
            "target_params": self.target_params,
            "target_macs": self.target_macs,
        }
        counted = {name: float(value) for name, value in given.items() if value is not None}
        return counted | {target.table.name: target.value for target in self.measured}

    def beside(self, measured: tuple[MeasuredTarget, ...]) -> Budget:
        """This budget and measured targets."""
        return replace(self, measured=measured)

    def with_tables(self, tables: Mapping[str, CostTable]) -> Budget:
        """The same budget with other tables, by their names."""
        measured = (replace(target, table=tables[target.table.name]) for target in self.measured)
        return replace(self, measured=tuple(measured))

    def corrected_by(self, corrections: Mapping[str, float]) -> Budget:
        """The same budget with predictions corrected by these factors, by the tables' names."""
        return self.with_tables(
            {
                target.table.name: replace(target.table, correction=corrections[target.table.name])
                for target in self.measured
            }
        )

    def at(self, progress: float, original: OriginalSize) -> Budget:
        """The budget after a share `progress` of the way from the original size."""
        return Budget(
            None if self.pruning_ratio is None else progress * self.pruning_ratio,
            _partway(self.target_params, original.params, progress),
            _partway(self.target_macs, original.macs, progress),
            tuple(
                replace(target, value=_between(target.table.dense, target.value, progress))
                for target in self.measured
            ),
        )


@dataclass(frozen=True, eq=False)
class Choice:
    """The channels chosen for a budget.

    Attributes:
        removal: what goes; where the budget cannot be met, all that may go.
        asked: by budget name, in the unit it was given in.
        reached: the same after the removal.
        met: every budget is met, or missed by less than one rounding step.
        limited_by: the budgets that decided: where not met, those missed; else the strictest.
        params: parameters after the removal.
        macs: MACs after the removal.
    """

    removal: Removal
    asked: Mapping[str, float]
    reached: Mapping[str, float]
    met: bool
    limited_by: tuple[str, ...]
    params: int
    macs: int


def choose_removal(
    graph: ChannelGraph,
    scores: Sequence[FloatArray],
    budget: Budget,
    rules: WidthRules | None = None,
    *,
    original: OriginalSize | None = None,
    costs: CostModel | None = None,
    locked: Collection[int] = (),
    within: Choice | None = None,
) -> Choice:
    """Choose the least important channels whose removal meets the budget.

    Args:
        graph: the network as it is now.
        scores: importance of each channel, one array per group; groups with a score that is not
            finite are left alone.
        rules: rounding, floors and ranking.
        original: the size that budgets and floors are fractions of, so that repeated events add
            up; default: the network as it is now.
        costs: counts the model's own parameters; default: all tensors but norm statistics.
        locked: groups that must not change.
        within: a choice for a stricter budget; no group loses more channels than there.
    """
    rules = rules or WidthRules()
    _check(graph, scores, rules)
    costs = costs or CostModel(graph)
    original = original or OriginalSize.of(graph, costs)
    widths = {group.name: group.size for group in graph.groups} | dict(original.widths)
    tables = [target.table for target in budget.measured]
    limits = Limits.of(budget.asked(), graph, widths, (original.params, original.macs), tables)
    order = Order.of(rules, graph)
    searches = bool(tables) and order.kind in ("global", "per_cost")
    ranking = TableRanking if searches else Ranking
    choice: Choice | None = None
    for split_small in (False, True):
        steps = make_steps(
            graph,
            scores,
            widths,
            rules,
            split_small=split_small,
            locked=locked,
            within=None if within is None else within.removal.counts,
        )
        selection, met = ranking(steps, costs, limits, order).choose()
        choice = _choice(scores, selection, met, budget, limits, costs)
        if met:
            break
    assert choice is not None
    return choice


def _choice(
    scores: Sequence[FloatArray],
    selection: Selection,
    met: bool,
    budget: Budget,
    limits: Limits,
    costs: CostModel,
) -> Choice:
    # A stable sort: of equally important channels the first ones go.
    removal = make_removal(
        [
            np.argsort(score, kind="stable")[:n]
            for score, n in zip(scores, selection.counts, strict=True)
        ]
    )
    params, macs = (int(cost) for cost in costs.params_and_macs(removal.counts[None, :])[0])
    return Choice(
        removal=removal,
        asked=budget.asked(),
        reached=limits.reached(removal.counts, params, macs),
        met=met,
        limited_by=limits.decisive(selection.excess),
        params=params,
        macs=macs,
    )


def _check(graph: ChannelGraph, scores: Sequence[FloatArray], rules: WidthRules) -> None:
    rules.check_names(graph)
    if [len(score) for score in scores] != [group.size for group in graph.groups]:
        raise UserInputError(
            "the scores are for another network: give one per channel of each group"
        )


def _partway(target: float | None, whole: int, progress: float) -> float | None:
    if target is None:
        return None
    if target <= 1:
        return 1.0 - progress * (1.0 - target)
    return _between(whole, target, progress)


def _between(whole: float, target: float, progress: float) -> float:
    return max(whole - progress * (whole - target), target)
