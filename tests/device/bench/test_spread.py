"""Intervals of ratios over repeats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgeprune.device.bench.spread import paired_ratio, t95

_TIMES = st.lists(st.floats(0.01, 100), min_size=3, max_size=12)


def test_t_is_students() -> None:
    for degrees in range(1, 31):
        assert t95(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), abs=6e-4)
    assert t95(10_000) == pytest.approx(stats.norm.ppf(0.975), abs=1e-3)


@given(_TIMES, st.floats(0.1, 10))
def test_a_constant_factor_is_found_without_doubt(times: list[float], factor: float) -> None:
    found = paired_ratio([factor * time for time in times], times)
    assert found.ratio == pytest.approx(factor)
    assert found.low == pytest.approx(factor)
    assert found.high == pytest.approx(factor)


@given(_TIMES, st.randoms(use_true_random=False))
def test_turned_round_it_is_the_reciprocal(times: list[float], shuffled: object) -> None:
    others = list(times)
    shuffled.shuffle(others)  # type: ignore[attr-defined]
    one, other = paired_ratio(times, others), paired_ratio(others, times)
    assert one.ratio == pytest.approx(1 / other.ratio)
    assert one.low == pytest.approx(1 / other.high)
    assert one.is_clear == other.is_clear


def test_alike_models_are_told_apart_as_seldom_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    draws = np.exp(0.02 * rng.standard_normal((2000, 2, 7)))
    clear = sum(paired_ratio(first, second).is_clear for first, second in draws)
    assert 0.03 < clear / 2000 < 0.07
