from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune import statistics
from edgeprune.statistics import accuracy_difference, over_seeds, paired_difference


def _naive(first: np.ndarray, second: np.ndarray, draws: int) -> np.ndarray:
    """The definition, one resample at a time."""
    generator = np.random.default_rng(123)
    seeds, samples = first.shape
    means = []
    for _ in range(draws):
        rows = generator.integers(seeds, size=seeds)
        columns = generator.integers(samples, size=samples)
        means.append((first - second)[np.ix_(rows, columns)].mean())
    return np.percentile(means, [2.5, 97.5])


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("kind", ["correct", "errors"])
def test_agrees_with_the_definition(seeds: int, kind: str) -> None:
    generator = np.random.default_rng(5)
    first, second = generator.random((2, seeds, 300))
    if kind == "correct":
        first, second = (first < 0.8).astype(float), (second < 0.7).astype(float)
    interval = paired_difference(first, second)
    low, high = _naive(first, second, 4000)
    width = high - low
    assert interval.difference == pytest.approx((first - second).mean())
    assert interval.low == pytest.approx(low, abs=0.1 * width)
    assert interval.high == pytest.approx(high, abs=0.1 * width)
    assert (interval.samples, interval.seeds) == (300, seeds)


def test_width_follows_the_theory_of_paired_differences() -> None:
    generator = np.random.default_rng(0)
    first = generator.random(5000) < 0.75
    second = first ^ (generator.random(5000) < 0.1)
    interval = paired_difference(first, second)
    gains = first.astype(float) - second
    expected = 2 * 1.96 * gains.std() / np.sqrt(5000)
    assert interval.high - interval.low == pytest.approx(expected, rel=0.05)
    unpaired = 2 * 1.96 * np.sqrt(first.var() + second.var()) / np.sqrt(5000)
    assert expected < 0.6 * unpaired


def test_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    trials, hits = 300, 0
    truth = 0.7 - _share_below(0.65)
    for trial in range(trials):
        shared = generator.random(400)
        first = shared < 0.7
        second = (shared + generator.normal(0, 0.1, 400)) < 0.65
        interval = paired_difference(first, second, draws=1000, seed=trial)
        hits += interval.low <= truth <= interval.high
    assert 0.91 <= hits / trials <= 0.985


def _share_below(threshold: float) -> float:
    """P(U + N(0, 0.1) < threshold), by a large sample."""
    generator = np.random.default_rng(2)
    return float((generator.random(2_000_000) + generator.normal(0, 0.1, 2_000_000)
                  < threshold).mean())  # fmt: skip


def test_a_network_against_itself_differs_by_nothing() -> None:
    correct = np.array([True, False, True, True])
    interval = paired_difference(correct, correct)
    assert (interval.difference, interval.low, interval.high) == (0.0, 0.0, 0.0)
    assert not interval.is_clear


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 3),
    st.integers(1, 40),
    st.floats(0.05, 0.95),
    st.integers(0, 1000),
)
def test_mirrors_when_the_sides_are_swapped(
    data_seed: int, seeds: int, samples: int, share: float, seed: int
) -> None:
    first, second = np.random.default_rng(data_seed).random((2, seeds, samples)) < share
    there = paired_difference(first, second, draws=300, seed=seed)
    back = paired_difference(second, first, draws=300, seed=seed)
    assert there.difference == pytest.approx(-back.difference)
    assert there.low <= there.high
    assert there.low >= -1
    assert there.high <= 1
    assert there == paired_difference(first, second, draws=300, seed=seed)


def test_accuracy_difference_is_in_points() -> None:
    targets = np.arange(10) % 5
    wrong_once = targets.copy()
    wrong_once[0] += 1
    interval = accuracy_difference(wrong_once, targets, targets)
    assert interval.difference == pytest.approx(-10.0)
    assert interval.low >= -100.0
    two_seeds = accuracy_difference([wrong_once, targets], [targets, targets], targets)
    assert two_seeds.difference == pytest.approx(-5.0)
    assert two_seeds.seeds == 2


@pytest.mark.parametrize(
    ("first", "second"), [([], []), ([1, 0], [1, 0, 1]), (np.ones((2, 2, 2)), np.ones((2, 2, 2)))]
)
def test_unusable_shapes_are_refused(first: object, second: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        paired_difference(first, second)  # type: ignore[arg-type]


def test_a_seed_count_mismatch_is_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        paired_difference(np.ones((1, 4)), np.ones((3, 4)))


@pytest.mark.parametrize("setting", [{"draws": 0}, {"level": 1.0}, {"level": 0.0}])
def test_unusable_settings_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="use draws"):
        paired_difference([1.0], [0.0], **setting)  # type: ignore[arg-type]


def test_over_seeds() -> None:
    summary = over_seeds([70.0, 71.0, 72.0])
    assert (summary.mean, summary.std, summary.count) == (71.0, 1.0, 3)
    assert over_seeds([70.0]).std is None
    with pytest.raises(ValueError, match="one figure per seed"):
        over_seeds([])


def test_means_have_the_same_intervals_however_few_draws_fit_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = np.random.default_rng(0).normal(size=(3, 50))
    whole = statistics.means_with_intervals(list(scores))
    monkeypatch.setattr(statistics, "_VALUES_AT_ONCE", 120)
    assert np.allclose(statistics.means_with_intervals(list(scores)), whole, rtol=0, atol=1e-12)
    for row, (mean, low, high) in zip(scores, whole, strict=True):
        assert low < mean < high
        assert mean == row.mean()
        half = 1.96 * row.std() / np.sqrt(50)
        assert (high - low) / 2 == pytest.approx(half, rel=0.1)
