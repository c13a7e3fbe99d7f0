"""Budgets: met, met narrowly, and honest where they cannot be met."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.errors import UserInputError
from edgeprune.models.registry import build_model
from edgeprune.prune.budget import Budget, OriginalSize, choose_removal
from edgeprune.prune.cost import CostModel
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.steps import allowed_widths
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.width_rules import WidthRules


class Traced(tuple[ChannelGraph, CostModel]):
    """A graph and its costs, with a short name for hypothesis' reports."""

    def __new__(cls, *parts):
        return super().__new__(cls, parts)

    def __repr__(self) -> str:
        return "resnet20"


@pytest.fixture(scope="module")
def wide():
    """A network with an early stage of many MACs and a late one of many parameters."""
    torch.manual_seed(0)
    model = build_model("resnet20", num_classes=10)
    graph = trace_channels(model, (torch.randn(1, 3, 16, 16),))
    return Traced(graph, CostModel.of(model, graph))


def _scores(graph, seed, spread=0.5):
    rng = np.random.default_rng(seed)
    return [rng.uniform(1 - spread, 1 + spread, group.size) for group in graph.groups]


def _largest_steps(graph, costs, choice, round_to):
    """The most one rounding step can change channels, parameters and MACs."""
    sizes, deltas = [1], []
    now = choice.removal.counts
    for number, group in enumerate(graph.groups):
        widths = [
            group.size,
            *allowed_widths(group, group.size, round_to=round_to, floor=0.1, split_small=True),
        ]
        at = widths.index(group.size - now[number]) if now[number] else 0
        if at:
            back = now.copy()
            back[number] -= widths[at - 1] - widths[at]
            sizes.append(widths[at - 1] - widths[at])
            deltas.append(costs.params_and_macs(back[None])[0] - (choice.params, choice.macs))
    return max(sizes), np.max([(0.0, 0.0), *deltas], axis=0)


@settings(max_examples=25, deadline=None)
@given(
    ratio=st.floats(0.05, 0.75),
    seed=st.integers(0, 99),
    round_to=st.sampled_from([1, 4, 8]),
    across=st.booleans(),
)
def test_a_channel_budget_is_met_within_one_step(wide, ratio, seed, round_to, across):
    graph, costs = wide
    choice = choose_removal(
        graph,
        _scores(graph, seed),
        Budget(pruning_ratio=ratio),
        WidthRules(round_to, global_pruning=across),
        costs=costs,
    )
    total = sum(group.size for group in graph.groups)
    largest, _ = _largest_steps(graph, costs, choice, round_to)
    assert choice.met
    assert ratio - 1e-9 <= choice.reached["pruning_ratio"] < ratio + largest / total + 1e-9
    assert choice.removal.count == round(choice.reached["pruning_ratio"] * total)


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["target_params", "target_macs"]),
    kept=st.floats(0.15, 0.95),
    seed=st.integers(0, 99),
    round_to=st.sampled_from([1, 8]),
    across=st.booleans(),
)
def test_a_cost_budget_is_met_within_one_step(wide, kind, kept, seed, round_to, across):
    graph, costs = wide
    choice = choose_removal(
        graph,
        _scores(graph, seed),
        Budget(**{kind: kept}),
        WidthRules(round_to, global_pruning=across),
        costs=costs,
    )
    whole = costs.params() if kind == "target_params" else costs.macs()
    left = choice.params if kind == "target_params" else choice.macs
    _, steps = _largest_steps(graph, costs, choice, round_to)
    step = steps[0] if kind == "target_params" else steps[1]
    assert choice.met
    assert left <= kept * whole * (1 + 1e-6)
    assert left > kept * whole - step - 1e-3
    assert choice.reached[kind] == pytest.approx(left / whole)


@settings(max_examples=15, deadline=None)
@given(params=st.floats(0.15, 0.8), macs=st.floats(0.15, 0.8), seed=st.integers(0, 99))
def test_two_cost_budgets_lose_no_more_than_the_plain_ranking(wide, params, macs, seed):
    graph, costs = wide
    scores = _scores(graph, seed)
    both = choose_removal(graph, scores, Budget(None, params, macs), WidthRules(1), costs=costs)
    singles = [
        choose_removal(graph, scores, budget, WidthRules(1), costs=costs)
        for budget in (Budget(target_params=params), Budget(target_macs=macs))
    ]
    assert both.met
    assert both.reached["target_params"] <= params + 1e-6
    assert both.reached["target_macs"] <= macs + 1e-6

    def lost(choice):
        return sum(s[g].sum() for s, g in zip(scores, choice.removal.channels, strict=True))

    for plain in singles:
        if plain.params <= params * costs.params() and plain.macs <= macs * costs.macs():
            assert lost(both) <= lost(plain) + 1e-6


@pytest.mark.parametrize(
    ("params", "macs", "slack"),
    [(0.4, 0.45, 0.02), (0.3, 0.3, 0.02), (0.4, 0.7, 0.1), (0.7, 0.4, 0.1)],
)
def test_neither_of_two_cost_budgets_is_overshot(wide, params, macs, slack):
    """The plain ranking overshoots one by .1 to .35; asks far apart cost more than they give."""
    graph, costs = wide
    for spread in (0.03, 0.5):
        choice = choose_removal(
            graph, _scores(graph, 1, spread), Budget(None, params, macs), WidthRules(1), costs=costs
        )
        assert params - slack < choice.reached["target_params"] <= params
        assert macs - slack < choice.reached["target_macs"] <= macs


def test_floors_and_multiples_hold(wide):
    graph, costs = wide
    choice = choose_removal(graph, _scores(graph, 0), Budget(target_params=0.2), costs=costs)
    for group, gone in zip(graph.groups, choice.removal.channels, strict=True):
        assert (group.size - len(gone)) % 8 == 0
        assert group.size - len(gone) >= 0.1 * group.size


def test_the_least_important_channels_go(wide):
    graph, costs = wide
    scores = _scores(graph, 5)
    choice = choose_removal(graph, scores, Budget(pruning_ratio=0.5), costs=costs)
    for score, gone in zip(scores, choice.removal.channels, strict=True):
        kept = np.delete(score, gone)
        assert not len(gone) or score[gone].max() <= kept.min()


def test_a_global_ranking_spares_the_groups_that_matter(wide):
    graph, costs = wide
    scores = [np.ones(group.size) for group in graph.groups]
    scores[0] *= 100
    choice = choose_removal(graph, scores, Budget(pruning_ratio=0.5), WidthRules(1), costs=costs)
    assert choice.removal.counts[0] == 0
    local = choose_removal(
        graph,
        scores,
        Budget(pruning_ratio=0.5),
        WidthRules(1, global_pruning=False),
        costs=costs,
    )
    widths = np.array([group.size for group in graph.groups])
    assert (np.abs(local.removal.counts / widths - 0.5) < 1 / widths + 1e-9).all()


def test_ties_are_settled_the_same_way_every_time(wide):
    graph, costs = wide
    scores = [np.ones(group.size) for group in graph.groups]
    first, again = (
        choose_removal(graph, scores, Budget(target_params=0.5), costs=costs) for _ in range(2)
    )
    assert first.removal.as_dict() == again.removal.as_dict()


def test_what_cannot_be_reached_says_how_far_it_goes(wide):
    graph, costs = wide
    choice = choose_removal(graph, _scores(graph, 0), Budget(target_params=0.001), costs=costs)
    assert not choice.met
    assert choice.limited_by == ("target_params",)
    assert 0.001 < choice.reached["target_params"] < 0.2
    again = choose_removal(
        graph, _scores(graph, 0), Budget(target_params=choice.params), costs=costs
    )
    assert again.met
    assert again.params == choice.params


def test_less_than_a_step_short_counts_as_met(wide):
    graph, costs = wide
    lowest = choose_removal(graph, _scores(graph, 0), Budget(target_params=0.001), costs=costs)
    near = choose_removal(
        graph, _scores(graph, 0), Budget(target_params=float(lowest.params - 1)), costs=costs
    )
    assert near.met
    assert near.reached["target_params"] == lowest.params


def test_groups_of_exactly_the_rounding_are_split_as_a_last_resort(wide):
    graph, costs = wide
    narrow = [i for i, group in enumerate(graph.groups) if group.size == 16]
    easy = choose_removal(
        graph, _scores(graph, 0), Budget(target_params=0.5), WidthRules(16), costs=costs
    )
    assert not easy.removal.counts[narrow].any()
    hard = choose_removal(
        graph, _scores(graph, 0), Budget(target_macs=0.15), WidthRules(16), costs=costs
    )
    assert hard.met
    assert hard.removal.counts[narrow].any()


def test_locked_groups_stay_and_the_others_make_up_for_it(wide):
    graph, costs = wide
    choice = choose_removal(
        graph, _scores(graph, 0), Budget(target_params=0.5), costs=costs, locked={0, 11}
    )
    assert choice.met
    assert choice.removal.counts[[0, 11]].tolist() == [0, 0]


def test_repeated_events_are_additive_in_the_original_size(residual):
    """Three events of 20 % leave 40 % of the original channels, not 51 %."""
    model = residual.fresh()
    graph = residual.graph
    original = OriginalSize.of(graph, CostModel.of(model, graph))
    whole = Budget(pruning_ratio=0.6)
    for event in (1, 2, 3):
        graph = trace_channels(model, residual.inputs)
        scores = [np.arange(1.0, group.size + 1) for group in graph.groups]
        budget = whole.at(event / 3, original)
        choice = choose_removal(
            graph,
            scores,
            budget,
            WidthRules(1),
            original=original,
            costs=CostModel.of(model, graph),
        )
        remove_channels(model, graph, choice.removal)
        left = sum(group.size for group in graph.groups) - choice.removal.count
        total = sum(original.widths.values())
        assert choice.reached["pruning_ratio"] == pytest.approx(1 - left / total)
        assert abs(left / total - (1 - 0.2 * event)) <= 1 / total


def test_progress_runs_from_the_original_size_to_the_target():
    original = OriginalSize({"a": 10}, params=1000, macs=5000)
    budget = Budget(pruning_ratio=0.5, target_params=0.4, target_macs=2000.0)
    half = budget.at(0.5, original)
    assert half.asked() == {"pruning_ratio": 0.25, "target_params": 0.7, "target_macs": 3500.0}
    assert budget.at(1.0, original) == budget
    assert OriginalSize.from_dict(original.as_dict()) == original


def test_a_met_budget_removes_nothing(wide):
    graph, costs = wide
    choice = choose_removal(graph, _scores(graph, 0), Budget(target_params=1.0), costs=costs)
    assert choice.met
    assert choice.removal.is_empty


@pytest.mark.parametrize(
    "given_values",
    [
        {},
        {"pruning_ratio": 1.0},
        {"pruning_ratio": -0.1},
        {"target_params": 0.0},
        {"target_macs": float("inf")},
        {"target_macs": float("nan")},
    ],
)
def test_budgets_out_of_range_are_refused(given_values):
    with pytest.raises(UserInputError):
        Budget(**given_values)


def test_settings_out_of_range_are_refused(wide):
    graph, costs = wide
    budget = Budget(pruning_ratio=0.5)
    with pytest.raises(UserInputError, match="round_to"):
        choose_removal(graph, _scores(graph, 0), budget, WidthRules(0), costs=costs)
    with pytest.raises(UserInputError, match="floor"):
        choose_removal(graph, _scores(graph, 0), budget, WidthRules(floor=2.0), costs=costs)
    with pytest.raises(UserInputError, match="another network"):
        choose_removal(graph, _scores(graph, 0)[1:], budget, costs=costs)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), params=st.floats(0.3, 0.6), macs=st.floats(0.3, 0.6))
def test_a_step_on_the_way_takes_only_what_the_goal_takes(wide, seed, params, macs):
    graph, costs = wide
    scores = _scores(graph, seed)
    goal = choose_removal(graph, scores, Budget(None, params, macs), costs=costs)
    half = Budget(None, (1 + params) / 2, (1 + macs) / 2)
    step = choose_removal(graph, scores, half, costs=costs, within=goal)
    assert step.met
    assert (step.removal.counts <= goal.removal.counts).all()
    assert step.params >= goal.params
