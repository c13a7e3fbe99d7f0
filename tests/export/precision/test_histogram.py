"""Histograms that grow, and where they say to cut off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeprune.export.precision.histogram import BINS, Histogram
from edgeprune.export.precision.thresholds import THRESHOLDS, entropy, min_max, mse, percentile

batches = st.lists(
    hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e4, 1e4, width=32)),
    min_size=1,
    max_size=5,
)


def filled(*parts: np.ndarray) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(part)
    return histogram


@given(batches)
def test_batches_count_as_all_values_at_once(parts: list[np.ndarray]) -> None:
    together, apart = filled(np.concatenate(parts)), filled(*parts)
    backwards = filled(*reversed(parts))
    assert apart.counts.sum() == sum(part.size for part in parts)
    assert apart.largest == together.largest == backwards.largest
    assert apart.width == together.width == backwards.width
    # A value on the border of two bins may fall on either side when it was counted in finer ones.
    assert np.abs(np.cumsum(apart.counts - together.counts)).max() <= apart.counts.sum()


def test_doubling_merges_exactly() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal(5000).astype(np.float32) * scale for scale in (0.1, 3.0, 50.0)]
    apart, together = filled(*parts), filled(np.concatenate(parts))
    assert (apart.counts == together.counts).all()


def test_a_value_that_is_always_zero() -> None:
    histogram = filled(np.zeros(10, dtype=np.float32))
    assert histogram.counts[0] == 10
    assert [cut(histogram) for cut in THRESHOLDS.values()] == [0.0] * len(THRESHOLDS)


@given(batches)
def test_no_cut_lies_beyond_the_largest_value(parts: list[np.ndarray]) -> None:
    histogram = filled(*parts)
    assert min_max(histogram) == histogram.largest
    for cut in THRESHOLDS.values():
        assert 0.0 <= cut(histogram) <= histogram.largest


def test_percentile_leaves_the_share_it_says() -> None:
    values = np.linspace(0.0, 1.0, 100_000, dtype=np.float32)
    assert percentile(filled(values), 90.0) == pytest.approx(0.9, abs=2 / BINS)


@pytest.mark.parametrize(("cut", "most"), [(mse, 70.0), (entropy, 10.0), (percentile, 10.0)])
def test_a_rare_outlier_is_cut_off(cut: Callable[[Histogram], float], most: float) -> None:
    values = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
    # For the squared error, one value at 100 weighs as much as the rounding of all others.
    assert 2.5 <= cut(filled(values, np.array([100.0], dtype=np.float32))) <= most


def test_mse_finds_the_best_of_all_cuts() -> None:
    values = np.random.default_rng(1).laplace(size=50_000).astype(np.float32)

    def error(cut: float) -> float:
        step = cut / 127
        return float(((np.clip(np.rint(values / step), -127, 127) * step - values) ** 2).mean())

    best = min(error(cut) for cut in np.linspace(0.5, float(np.abs(values).max()), 300))
    assert error(mse(filled(values))) <= 1.05 * best
