from __future__ import annotations

from itertools import pairwise

import pytest

from edgeprune.train.learning_rate import LearningRate


def test_multistep_drops_at_the_milestones() -> None:
    rate = LearningRate(0.05, "multistep", 160, (60, 120))
    assert rate.at(59.9) == pytest.approx(0.05)
    assert rate.at(60) == pytest.approx(0.005)
    assert rate.at(120) == pytest.approx(0.0005)


def test_one_schedule_over_all_rounds_goes_on_from_its_offset() -> None:
    rate = LearningRate(0.05, "multistep", 75, (170, 340), offset=150)
    assert rate.at(19) == pytest.approx(0.05)
    assert rate.at(21) == pytest.approx(0.005)


def test_cosine_rises_then_falls_to_zero() -> None:
    rate = LearningRate(0.1, "cosine", 10, warmup=0.1)
    rates = [rate.at(0.1 * step) for step in range(101)]
    top = rates.index(max(rates))
    assert rates[top] == pytest.approx(0.1)
    assert 9 <= top <= 11
    assert all(a <= b for a, b in pairwise(rates[: top + 1]))
    assert all(a >= b for a, b in pairwise(rates[top:]))
    assert 0 < rates[0] < 0.01
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
