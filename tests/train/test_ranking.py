"""Ranks against a plain sort, and what constant scorers get."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.data.batch import Candidates
from edgeprune.errors import EdgepruneError
from edgeprune.report.ranking_table import (
    gain_difference,
    gains,
    hit_difference,
    ranking_figures,
    ranking_lines,
)
from edgeprune.statistics import metric_difference
from edgeprune.train import ranking
from edgeprune.train.score import hit_rate, score_of_row


def _candidates(held: list[int], barred: list[list[int]], items: int) -> Candidates:
    mask = torch.zeros(len(held), items, dtype=torch.bool)
    for row, numbers in enumerate(barred):
        mask[row, numbers] = True
    return Candidates(torch.tensor(held), mask)


@given(st.data())
def test_ranks_are_places_in_a_sorted_list_without_known_items(data: st.DataObject) -> None:
    items = data.draw(st.integers(2, 9))
    scores = data.draw(st.lists(st.integers(-3, 3), min_size=items, max_size=items))
    held = data.draw(st.integers(0, items - 1))
    known = data.draw(st.sets(st.integers(0, items - 1).filter(lambda item: item != held)))
    shown = sorted(
        (item for item in range(items) if item not in known),
        key=lambda item: (-scores[item], item == held),  # among equals the held-out one is last
    )
    found = ranking.ranks(
        torch.tensor([scores]).float(), _candidates([held], [sorted(known)], items)
    )
    assert found.tolist() == [shown.index(held) + 1]


def test_a_constant_scorer_earns_nothing() -> None:
    candidates = _candidates([0, 5, 11], [[3], [], [1, 2]], 12)
    rank = ranking.ranks(torch.full((36, 1), 0.7), candidates)
    assert rank.tolist() == [11, 12, 10]
    assert not ranking.hits(rank, 5).any()
    assert gains(rank, 5).sum() == 0


def test_gains_are_discounted_by_place() -> None:
    found = gains(torch.tensor([1, 3, 10, 11]), 10)
    assert found.tolist() == pytest.approx([1.0, 0.5, 1 / np.log2(11), 0.0])


def test_scores_that_are_no_numbers_are_an_error() -> None:
    candidates = _candidates([0], [[]], 3)
    with pytest.raises(EdgepruneError, match="NaN"):
        ranking.ranks(torch.tensor([0.0, float("nan"), 1.0]), candidates)
    with pytest.raises(EdgepruneError, match="4 scores for 1 users and 3 items"):
        ranking.ranks(torch.zeros(4), candidates)


def test_figures_and_leads_agree_with_the_means() -> None:
    rng = np.random.default_rng(0)
    good, poor = rng.integers(1, 30, 400), rng.integers(1, 90, 400)
    figures = ranking_figures({"good": good, "poor": poor}, 10)
    assert figures["good"].hr == pytest.approx(np.mean(good <= 10))
    assert figures["good"].hr_low < figures["good"].hr < figures["good"].hr_high
    assert figures["good"].ndcg_low < figures["good"].ndcg < figures["good"].ndcg_high
    lead = hit_difference(good, poor, 10)
    assert lead.difference == pytest.approx(figures["good"].hr - figures["poor"].hr)
    assert lead.low > 0
    gain = gain_difference(good, poor, 10)
    assert gain.difference == pytest.approx(figures["good"].ndcg - figures["poor"].ndcg)
    assert metric_difference(good, poor, good, "hr_at_10") == lead
    (line, _) = ranking_lines({name: f.as_dict() for name, f in figures.items()}, 10)
    assert f"HR@10 {lead.difference + np.mean(poor <= 10):.4f}" in line


def test_a_history_row_knows_its_lists() -> None:
    score = score_of_row({"epoch": 1, "val_hr_at_20": 0.1})
    assert score is hit_rate(20)
    assert score.mean(np.array([1, 20, 21, 40]), np.zeros(4)) == 0.5
