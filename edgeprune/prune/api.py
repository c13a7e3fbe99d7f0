"""Pruning in one call, for people with their own training loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from edgeprune.errors import BudgetMissedError, EdgepruneError, UserInputError
from edgeprune.models.summary import count_params
from edgeprune.prune.budget import Budget, Choice
from edgeprune.prune.chosen_layers import confined_to
from edgeprune.prune.cost import CostModel, FloatArray
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.equivalence import Equivalence
from edgeprune.prune.graph.trace import Attention
from edgeprune.prune.graph.types import ChannelGraph, Skipped
from edgeprune.prune.importance import score_channels
from edgeprune.prune.plan import Plan, plan_removal
from edgeprune.prune.report import GroupWidths, PruneReport, Target
from edgeprune.prune.stopwatch import Stopwatch
from edgeprune.prune.surgery import channels_removed
from edgeprune.prune.width_rules import WidthRules

__all__ = ["PruneReport", "prune_model"]


def prune_model(
    model: nn.Module,
    example_inputs: Tensor | tuple[Tensor, ...],
    *,
    pruning_ratio: float | None = None,
    target_params: float | None = None,
    target_macs: float | None = None,
    importance: str = "l2",
    global_pruning: bool = True,
    round_to: int = 8,
    ignored_layers: Sequence[str] = (),
    layers: Sequence[str] = (),
    attention: Attention = "dims",
    optimizer: torch.optim.Optimizer | None = None,
    floor: float = 0.1,
    floors: Mapping[str, float] | None = None,
    isomorphic: bool = False,
    per_cost: bool = False,
    seed: int = 0,
) -> PruneReport:
    """Remove the least important channels of `model`, physically and in place.

    The removal is proved equal to masking before anything is changed. Whatever goes wrong, the
    model, its modes and the optimiser are as before; only a full success changes them.

    Args:
        model: any network that `torch.export` can trace; frozen parameters stay frozen.
        example_inputs: what the model is called with, a tensor or a tuple; MACs are counted here.
        pruning_ratio: fraction of the prunable channels to remove, in [0, 1).
        target_params: parameters to keep: a fraction if <= 1, else a number.
        target_macs: multiply-accumulates to keep, likewise. Several budgets must all be met.
        importance: `l2`, `l1`, `bn`, `fpgm`, `random`, or `taylor` and `saliency`, which use the
            parameters' `.grad`.
        global_pruning: rank channels over the whole network; otherwise narrow all groups alike.
        round_to: groups wider than this keep a multiple of it.
        ignored_layers: names or patterns of layers whose output channels stay.
        layers: names or patterns of the only layers that are to lose channels, with those that
            share them; `pruning_ratio` is then a fraction of theirs.
        attention: narrow every head of an attention alike (`dims`), or take whole heads (`heads`).
        optimizer: its parameters and state follow, so that training can go on.
        floor: fraction of its width that every group keeps.
        floors: the same for single layers, by name or pattern; never below `floor`.
        isomorphic: rank channels only against those of groups with the same structure.
        per_cost: rank by importance for each parameter and MAC saved; with `saliency`.
        seed: for `importance="random"`.

    Raises:
        UserInputError: unusable arguments, or a budget that asks for nothing to be removed.
        BudgetMissedError: the budget cannot be reached; the line says how far it can.
        UnsupportedError: the model cannot be traced, or the optimiser cannot follow.
    """
    inputs = _as_inputs(example_inputs)
    rules = WidthRules(round_to, floor, floors or {}, global_pruning, isomorphic, per_cost)
    budget = Budget(pruning_ratio, target_params, target_macs)
    watch = Stopwatch()
    graph = find_channels(
        model, inputs, ignored_layers=ignored_layers, attention=attention, watch=watch
    )
    graph = confined_to(graph, model, layers)
    costs = CostModel.of(model, graph)
    with watch.part("choice"):
        scores = score_channels(model, graph, importance, seed=seed)
    plan = plan_removal(model, graph, scores, budget, inputs, rules, watch=watch)
    skipped = (*graph.skipped, *_unscored(graph, scores, importance), *plan.skipped)
    proof = _require_success(plan, len(skipped), rules)
    with (
        watch.part("surgery"),
        channels_removed(model, graph, plan.choice.removal, optimizer=optimizer),
    ):
        _check_result(model, inputs, plan.choice)
    return _report(graph, costs, plan.choice, proof, skipped, watch.seconds)


def _as_inputs(example_inputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    inputs = (example_inputs,) if isinstance(example_inputs, Tensor) else tuple(example_inputs)
    if not inputs or not all(isinstance(value, Tensor) for value in inputs):
        raise UserInputError("example_inputs: give a tensor or a tuple of tensors")
    return inputs


def _unscored(
    graph: ChannelGraph, scores: Sequence[FloatArray], importance: str
) -> tuple[Skipped, ...]:
    reason = f"importance '{importance}' finds nothing to score it by"
    return tuple(
        Skipped(group.name, reason)
        for group, score in zip(graph.groups, scores, strict=True)
        if not np.isfinite(score).all()
    )


def _require_success(plan: Plan, skipped: int, rules: WidthRules) -> Equivalence:
    choice = plan.choice
    if not choice.met:
        missed = ", ".join(
            f"{name} {choice.asked[name]:g} (reachable: {choice.reached[name]:.4g})"
            for name in choice.limited_by
        )
        raise BudgetMissedError(
            f"cannot reach {missed} with floor={rules.floor:g}, round_to={rules.round_to} and "
            f"{skipped} layers that stay as they are: ask for less, or lower floor or round_to"
        )
    if plan.equivalence is None:
        raise UserInputError("the budget is met already: ask for more, or leave the network as is")
    return plan.equivalence


def _check_result(model: nn.Module, inputs: tuple[Tensor, ...], choice: Choice) -> None:
    """The real network, as against the proof's copies, has the size and runs."""
    if count_params(model) != choice.params:
        raise EdgepruneError(
            f"surgery left {count_params(model)} parameters where {choice.params} were expected: "
            "please report the network"
        )
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad():
            model.eval()(*inputs)
    finally:
        for module, training in modes:
            module.training = training


def _report(
    graph: ChannelGraph,
    costs: CostModel,
    choice: Choice,
    proof: Equivalence,
    skipped: tuple[Skipped, ...],
    seconds: Mapping[str, float],
) -> PruneReport:
    return PruneReport(
        equivalence=proof,
        skipped=skipped,
        params=choice.params,
        macs=choice.macs,
        params_before=costs.params(),
        macs_before=costs.macs(),
        groups=tuple(
            GroupWidths(group.name, group.size, group.size - len(gone), bool(group.exact))
            for group, gone in zip(graph.groups, choice.removal.channels, strict=True)
        ),
        targets=tuple(
            Target(name, asked, choice.reached[name]) for name, asked in choice.asked.items()
        ),
        seconds=dict(seconds),
    )
