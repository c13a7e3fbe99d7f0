"""How sure a difference of accuracies is: paired bootstrap over test samples and seeds.

Two networks that are tested on the same samples make many of the same mistakes; resampling the
samples for both together keeps that, which is why the interval of a difference is much narrower
than the two accuracies' own. With several seeds the seeds are resampled too, independently of the
samples, as both are drawn at random from something larger (Owen, "The pigeonhole bootstrap",
Annals of Applied Statistics 2007, arXiv 0712.1111). Intervals are percentile intervals (Efron &
Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

_HIT_RATE = re.compile(r"hr_at_(\d+)")
DRAWS = 10_000
LEVEL = 0.95
_ERROR_DRAWS = 2_000  # errors are all different, and each costs a draw
_VALUES_AT_ONCE = 4_000_000  # bounds the memory of one block of draws


@dataclass(frozen=True)
class DifferenceInterval:
    """A paired difference of two means, first minus second, in the unit of the values.

    Attributes:
        difference: the difference on the samples themselves.
        low: lower end of the percentile interval.
        high: upper end.
        samples: test samples it rests on.
        seeds: pairs of trained networks it rests on.
        level: coverage the interval aims at.
    """

    difference: float
    low: float
    high: float
    samples: int
    seeds: int
    level: float = LEVEL

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def scaled(self, factor: float) -> DifferenceInterval:
        """The same in another unit (100 for percentage points); `factor` must be positive."""
        return replace(
            self,
            difference=factor * self.difference,
            low=factor * self.low,
            high=factor * self.high,
        )


@dataclass(frozen=True)
class SeedSummary:
    """A figure over several seeds; `std` is the sample deviation, None for one seed."""

    mean: float
    std: float | None
    count: int


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> DifferenceInterval:
    """Interval of mean(first) - mean(second) where both are scored on the same samples.

    Args:
        first: per-sample scores of shape (samples,) or (seeds, samples); for accuracies, booleans
            "is correct".
        second: the other network's, of the same shape; row i is paired with row i.
        draws: bootstrap resamples.
        level: coverage of the interval, within (0, 1).
        seed: of the resampling.

    Raises:
        ValueError: shapes differ or are empty, or a setting is out of range.
    """
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws = {draws}, level = {level}: use draws >= 1, 0 < level < 1")
    rows, others = _as_rows(first), _as_rows(second)
    if rows.shape != others.shape:
        raise ValueError(f"paired scores differ in shape: {rows.shape} and {others.shape}")
    gains = rows - others
    generator = np.random.default_rng(seed)
    means = _resampled_means(gains, draws, generator)
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(means, [tail, 100.0 - tail])
    seeds, samples = gains.shape
    return DifferenceInterval(float(gains.mean()), float(low), float(high), samples, seeds, level)


def accuracy_difference(
    first: Sequence[ArrayLike] | ArrayLike,
    second: Sequence[ArrayLike] | ArrayLike,
    targets: ArrayLike,
    *,
    seed: int = 0,
) -> DifferenceInterval:
    """Interval of the difference of top-1 accuracies, in percentage points.

    Args:
        first: predicted class ids, (samples,) or (seeds, samples).
        second: the other network's.
        targets: true class ids, (samples,).
    """
    truth = np.asarray(targets)
    interval = paired_difference(np.asarray(first) == truth, np.asarray(second) == truth, seed=seed)
    return interval.scaled(100.0)


def metric_difference(
    first: Sequence[ArrayLike] | ArrayLike,
    second: Sequence[ArrayLike] | ArrayLike,
    targets: ArrayLike,
    metric: object = None,
) -> DifferenceInterval:
    """Interval of the difference of the metric that the targets have.

    Args:
        first: class ids, values or ranks, (samples,) or (seeds, samples).
        second: the other network's.
        targets: class ids, for a difference of accuracies in percentage points; or floats, for a
            difference of mean squared errors, which is below 0 where the first is better.
        metric: a report's; with `hr_at_K` the first two are ranks, for a difference of HR@K.
    """
    length = list_length(metric)
    if length is not None:
        return paired_difference(np.asarray(first) <= length, np.asarray(second) <= length)
    truth = np.asarray(targets)
    if truth.dtype.kind != "f":
        return accuracy_difference(first, second, truth)
    errors = [np.square(np.asarray(values, np.float64) - truth) for values in (first, second)]
    return paired_difference(*errors, draws=_ERROR_DRAWS)


def list_length(metric: object) -> int | None:
    """K of the metric `hr_at_K`; None for another metric."""
    found = _HIT_RATE.fullmatch(str(metric))
    return int(found[1]) if found else None


def absolute_difference(
    first: ArrayLike, second: ArrayLike, targets: ArrayLike
) -> DifferenceInterval:
    """Interval of the difference of mean absolute errors, below 0 where the first is better."""
    truth = np.asarray(targets)
    errors = [np.abs(np.asarray(values, np.float64) - truth) for values in (first, second)]
    return paired_difference(*errors, draws=_ERROR_DRAWS)


def over_seeds(values: ArrayLike) -> SeedSummary:
    """Mean and sample deviation of one figure per seed.

    Raises:
        ValueError: there are none.
    """
    figures = np.asarray(values, dtype=np.float64)
    if figures.ndim != 1 or not figures.size:
        raise ValueError("give one figure per seed")
    std = float(figures.std(ddof=1)) if figures.size > 1 else None
    return SeedSummary(float(figures.mean()), std, int(figures.size))


def means_with_intervals(
    scores: Sequence[ArrayLike], *, seed: int = 0
) -> list[tuple[float, float, float]]:
    """Mean, lower and upper end of its 95 % percentile interval, all on the same resamples.

    Args:
        scores: per-sample scores, each (samples,).
    """
    rows = np.asarray(scores, dtype=np.float64)
    samples = rows.shape[1]
    generator = np.random.default_rng(seed)
    block = max(1, _VALUES_AT_ONCE // samples)
    means = np.empty((_ERROR_DRAWS, len(rows)))
    for start in range(0, _ERROR_DRAWS, block):
        size = min(block, _ERROR_DRAWS - start)
        occurrences = generator.multinomial(samples, np.full(samples, 1 / samples), size=size)
        means[start : start + size] = occurrences @ rows.T / samples
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.percentile(means, [tail, 100.0 - tail], axis=0)
    ends = zip(rows.mean(1), low, high, strict=True)
    return [(float(mean), float(least), float(most)) for mean, least, most in ends]


def _as_rows(scores: ArrayLike) -> NDArray[np.float64]:
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"scores of shape {np.shape(scores)}: give (samples,) or (seeds, samples)")
    return rows


def _resampled_means(
    gains: NDArray[np.float64], draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Means of `gains` (seeds, samples) under resampling of both axes, shape (draws,).

    Samples with the same gains under every seed are interchangeable, so it is enough to draw how
    often each distinct column occurs: exactly the bootstrap, at a cost that does not grow with the
    number of samples when scores are 0 or 1.
    """
    seeds, samples = gains.shape
    columns, counts = np.unique(gains, axis=1, return_counts=True)
    block = max(1, _VALUES_AT_ONCE // len(counts))
    means = np.empty(draws)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        occurrences = generator.multinomial(samples, counts / samples, size=size)
        per_seed = occurrences @ columns.T / samples
        chosen = generator.integers(seeds, size=(size, seeds))
        means[start : start + size] = np.take_along_axis(per_seed, chosen, axis=1).mean(axis=1)
    return means
