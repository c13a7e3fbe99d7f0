"""Floors of single layers, and ranking within groups of one structure."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import edgeprune
from edgeprune.errors import UserInputError
from edgeprune.models.registry import build_model
from edgeprune.prune.budget import Budget, Choice, choose_removal
from edgeprune.prune.cost import CostModel
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.width_rules import WidthRules, structures


@pytest.fixture(scope="module")
def resnet() -> ChannelGraph:
    torch.manual_seed(0)
    model = build_model("resnet20", num_classes=10)
    return trace_channels(model, (torch.randn(1, 3, 16, 16),))


@pytest.fixture(scope="module")
def resnet_costs() -> tuple[ChannelGraph, CostModel]:
    torch.manual_seed(0)
    model = build_model("resnet20", num_classes=10)
    graph = trace_channels(model, (torch.randn(1, 3, 16, 16),))
    return graph, CostModel.of(model, graph)


def _left(graph: ChannelGraph, rules: WidthRules, ratio: float, seed: int = 0) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    scores = [rng.uniform(0.1, 1.9, group.size) for group in graph.groups]
    scores[1] *= 0.01  # global ranking would empty this group first
    choice = choose_removal(graph, scores, Budget(pruning_ratio=ratio), rules)
    assert choice.met
    return {
        group.name: 1 - gone / group.size
        for group, gone in zip(graph.groups, choice.removal.counts, strict=True)
    }


def test_a_floor_of_one_group_holds_for_it_alone(resnet: ChannelGraph) -> None:
    name = resnet.groups[1].name
    plain = _left(resnet, WidthRules(1), 0.5)
    held = _left(resnet, WidthRules(1, floors={name: 0.75}), 0.5)
    assert plain[name] <= 0.15
    assert held[name] >= 0.75
    assert min(share for other, share in held.items() if other != name) < 0.5


def test_a_floor_may_name_any_layer_of_the_group_and_patterns(resnet: ChannelGraph) -> None:
    stream = next(g for g in resnet.groups if sum(s.writes for s in g.slices) > 1)
    layer = [s.tensor for s in stream.slices if s.writes][-1].removesuffix(".weight")
    assert layer != stream.name
    assert _left(resnet, WidthRules(1, floors={layer: 0.9}), 0.4)[stream.name] >= 0.9
    held = _left(resnet, WidthRules(1, floors={"layer3.*": 0.9, "*": 0.3}), 0.2)
    assert all(share >= 0.9 for name, share in held.items() if name.startswith("layer3."))
    assert min(held.values()) >= 0.3


def test_the_highest_floor_counts(resnet: ChannelGraph) -> None:
    rules = WidthRules(1, 0.5, {"*": 0.2, resnet.groups[0].name: 0.7})
    assert rules.floor_of(resnet.groups[0]) == 0.7
    assert rules.floor_of(resnet.groups[1]) == 0.5


def test_isomorphic_ranking_takes_the_same_share_of_every_structure(resnet: ChannelGraph) -> None:
    number = structures(resnet)
    assert 1 < len(set(number.tolist())) < len(resnet.groups)
    left = _left(resnet, WidthRules(1, 0.0, isomorphic=True), 0.5)
    for structure in set(number.tolist()):
        mine = [g for g, n in zip(resnet.groups, number, strict=True) if n == structure]
        kept = sum(left[g.name] * g.size for g in mine) / sum(g.size for g in mine)
        assert abs(kept - 0.5) <= 1.5 / sum(g.size for g in mine) + 0.01
    # Within a structure the unimportant group is the one that loses.
    assert left[resnet.groups[1].name] < 0.2


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), params=st.floats(0.35, 0.8), macs=st.floats(0.35, 0.8))
def test_ranking_per_cost_meets_both_budgets_and_loses_less(
    resnet_costs: tuple[ChannelGraph, CostModel], seed: int, params: float, macs: float
) -> None:
    graph, costs = resnet_costs
    rng = np.random.default_rng(seed)
    # Groups of very different worth, as a saliency finds them.
    scores = [rng.lognormal(0, 1.5) * rng.uniform(0.5, 1.5, group.size) for group in graph.groups]
    budget = Budget(None, params, macs)
    bare = choose_removal(graph, scores, budget, WidthRules(1, 0.0), costs=costs)
    priced = choose_removal(graph, scores, budget, WidthRules(1, 0.0, per_cost=True), costs=costs)
    assert priced.met
    assert priced.reached["target_params"] <= params + 1e-6
    assert priced.reached["target_macs"] <= macs + 1e-6
    assert _lost(graph, scores, priced) <= _lost(graph, scores, bare) * (1 + 1e-9)


@pytest.mark.parametrize("budget", [Budget(0.5), Budget(None, 0.4), Budget(None, None, 0.4)])
def test_ranking_per_cost_meets_a_single_budget(
    resnet_costs: tuple[ChannelGraph, CostModel], budget: Budget
) -> None:
    graph, costs = resnet_costs
    rng = np.random.default_rng(0)
    scores = [rng.uniform(0.5, 1.5, group.size) for group in graph.groups]
    assert choose_removal(graph, scores, budget, WidthRules(8, per_cost=True), costs=costs).met


def _lost(graph: ChannelGraph, scores: list[np.ndarray], choice: Choice) -> float:
    """Importance lost, each channel's for the width that is left when it goes."""
    total = 0.0
    for group, score, gone in zip(graph.groups, scores, choice.removal.counts, strict=True):
        place = np.arange(int(gone))
        total += float((np.sort(score)[: int(gone)] / (1 - (place + 0.5) / group.size)).sum())
    return total


def test_groups_are_alike_by_kernel_and_use() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 1),
        nn.Conv2d(8, 4, 1),
    )  # fmt: skip
    graph = trace_channels(model, (torch.randn(1, 3, 16, 16),))
    assert structures(graph).tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"floors": {"nowhere": 0.5}}, "nowhere"),
        ({"floors": {"conv1": 1.5}}, "conv1"),
        ({"floor": -0.1}, "floor"),
        ({"round_to": 0}, "round_to"),
        ({"isomorphic": True, "global_pruning": False}, "isomorphic"),
        ({"isomorphic": True, "per_cost": True}, "per_cost"),
    ],
)
def test_rules_that_cannot_be_followed(rules: dict[str, object], named: str) -> None:
    model = build_model("resnet20", num_classes=10)
    with pytest.raises(UserInputError, match=named):
        edgeprune.prune_model(model, torch.randn(1, 3, 16, 16), pruning_ratio=0.5, **rules)
