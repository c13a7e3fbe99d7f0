"""Widths are searched within the budget, and what is judged best is taken."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from edgeprune.methods.measured.candidates import Found, Judge, WidthSearch
from edgeprune.methods.measured.rounds import Settled, settle
from edgeprune.methods.measured.weighing import Weighing
from edgeprune.models.registry import build_model
from edgeprune.prune.budget import Budget, Choice, MeasuredTarget, choose_removal
from edgeprune.prune.cost_table import CostTable, GroupSaving
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.graph.types import ChannelGraph
from edgeprune.prune.removal import Removal
from edgeprune.prune.width_rules import WidthRules

_NAME = "target_latency_ms"
_DENSE_MS, _ASKED_MS = 10.0, 6.0


@pytest.fixture(scope="module")
def graph() -> ChannelGraph:
    network = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
    return find_channels(network, (torch.zeros(1, 1, 8, 8),))


class _Search:
    """Groups save their share of the channels, and are believed to save `belief` times as much.

    Attributes:
        measured: removals that were measured.
    """

    def __init__(
        self, graph: ChannelGraph, judge: Judge, asked: float = _ASKED_MS, belief: float = 1.0
    ) -> None:
        whole = sum(group.size for group in graph.groups)
        groups = {
            g.name: GroupSaving((0, g.size), (belief * g.size / whole, 0.0), (0.0, 0.0))
            for g in graph.groups
        }
        table = CostTable(_NAME, _DENSE_MS, groups, by_macs=0.0)
        self._graph = graph
        self._whole = whole
        rng = np.random.default_rng(0)
        self._scores = [rng.uniform(0.5, 1.5, group.size) for group in graph.groups]
        self.measured: list[Removal] = []
        budget = Budget(measured=(MeasuredTarget(table, asked),))
        self._search = WidthSearch(graph, budget, self._propose, self._verify, judge)

    def run(self, seed: int = 0) -> Found:
        return self._search.run(count=12, seed=seed)

    def true_ms(self, removal: Removal) -> float:
        return _DENSE_MS * (1 - removal.count / self._whole)

    def _propose(self, weighing: Weighing, budget: Budget) -> Choice:
        rules = WidthRules(4, global_pruning=not weighing.alike)
        scores = weighing.applied(self._graph, self._scores)
        return choose_removal(self._graph, scores, budget, rules)

    def _verify(self, weighing: Weighing, budget: Budget) -> Settled:
        def measure(removal: Removal) -> dict[str, float]:
            self.measured.append(removal)
            return {_NAME: self.true_ms(removal)}

        return settle(budget, lambda corrected: self._propose(weighing, corrected), measure)


def _missing_from(group: int) -> Judge:
    """A judge to whom one group alone matters."""
    return lambda removal: float(removal.counts[group])


@pytest.mark.parametrize("group", [1, 2, 4])  # the knapsack alone spares the first
def test_the_group_that_matters_is_spared(graph: ChannelGraph, group: int) -> None:
    found = _Search(graph, _missing_from(group)).run()
    own = next(c for c in found.candidates if c.weighing == Weighing())
    name = graph.groups[group].name
    best = found.candidates[0]
    assert best.loss < own.loss
    assert best.widths[name] > own.widths[name]
    assert found.seconds > 0


def test_all_candidates_are_within_the_budget_and_differ(graph: ChannelGraph) -> None:
    found = _Search(graph, _missing_from(0)).run()
    assert len({tuple(c.widths.values()) for c in found.candidates}) == len(found.candidates) > 3
    assert all(c.predicted[_NAME] <= 1.01 * _ASKED_MS for c in found.candidates)
    losses = [c.loss for c in found.candidates]
    assert losses == sorted(losses)
    assert 0.95 * _ASKED_MS <= found.candidates[0].measured[_NAME] <= 1.02 * _ASKED_MS
    assert any(c.weighing.alike for c in found.candidates)


def test_widths_that_only_seem_cheap_are_put_right_before_they_win(graph: ChannelGraph) -> None:
    search = _Search(graph, lambda removal: float(removal.count), belief=1.4)
    best = search.run().candidates[0]
    assert len(search.measured) > 1, "the first prediction is too low by far"
    assert best.measured[_NAME] == pytest.approx(_ASKED_MS, rel=0.05)
    assert best.corrections[_NAME] == pytest.approx(1 / 1.4, rel=0.1)
    left = sum(best.widths.values()) / sum(group.size for group in graph.groups)
    assert best.measured[_NAME] == pytest.approx(_DENSE_MS * left)


def test_better_widths_win_though_they_leave_some_of_the_budget(graph: ChannelGraph) -> None:
    """Nothing is wrong with a network that is better and faster."""
    sizes = np.array([group.size for group in graph.groups])

    class Underused(_Search):
        def _verify(self, weighing: Weighing, budget: Budget) -> Settled:
            settled = super()._verify(weighing, budget)
            used = {_NAME: 0.9 * _ASKED_MS} if weighing.alike else settled.measured
            return replace(settled, measured=used)

    best = Underused(graph, lambda removal: float(np.std(removal.counts / sizes))).run()
    assert best.candidates[0].weighing.alike
    assert best.candidates[0].measured[_NAME] == 0.9 * _ASKED_MS


def test_the_same_seed_finds_the_same(graph: ChannelGraph) -> None:
    first, again = (_Search(graph, _missing_from(1)).run(3).candidates for _ in range(2))
    assert first == again
    assert first != _Search(graph, _missing_from(1)).run(4).candidates


def test_what_could_not_be_trained_comes_last(graph: ChannelGraph) -> None:
    losses = iter([math.nan, 2.0, math.inf, *np.linspace(3.0, 4.0, 100)])
    found = _Search(graph, lambda _: next(losses)).run()
    assert found.candidates[0].loss == 2.0
    assert not math.isfinite(found.candidates[-1].loss)
    kept = json.loads(json.dumps(found.as_dict(), allow_nan=False))["candidates"]
    assert (kept[0]["loss"], kept[-1]["loss"]) == (2.0, None)


def test_a_budget_out_of_reach_has_no_candidates(graph: ChannelGraph) -> None:
    found = _Search(graph, _missing_from(0), asked=0.1).run()
    assert found.candidates == ()


def test_a_weighing_keeps_the_order_within_groups_and_their_means(graph: ChannelGraph) -> None:
    rng = np.random.default_rng(1)
    scores = [rng.gamma(1.0, size=group.size) for group in graph.groups]
    first = graph.groups[0].name
    flat = Weighing(spread=0.1).with_factor(first, 3.0).with_factor(first, 0.5)
    for number, (before, after) in enumerate(zip(scores, flat.applied(graph, scores), strict=True)):
        assert (np.argsort(before) == np.argsort(after)).all()
        assert after.mean() == pytest.approx(before.mean() * (1.5 if number == 0 else 1.0))
        assert after.std() / after.mean() < 0.5 * before.std() / before.mean()
    assert Weighing.from_dict(flat.__dict__) == flat


def test_what_no_criterion_scores_stays_so(graph: ChannelGraph) -> None:
    scores = [np.full(group.size, np.nan) for group in graph.groups]
    for after in Weighing(spread=0.1).applied(graph, scores):
        assert np.isnan(after).all()
