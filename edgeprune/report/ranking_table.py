"""What lists of recommended items are worth: HR@k and NDCG@k with bootstrap intervals over users.

With one held-out item a user, HR@k is the share of users who find it in their list, and NDCG@k the
mean of 1 / log2(1 + place) over the same users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeprune.statistics import DifferenceInterval, means_with_intervals, paired_difference


@dataclass(frozen=True)
class RankingFigures:
    """How one scorer ranks the held-out items.

    Attributes:
        hr: share of users with the item among the first k; `hr_low` and `hr_high` are its 95 %
            percentile interval.
        ndcg: mean discounted gain; likewise.
    """

    hr: float
    hr_low: float
    hr_high: float
    ndcg: float
    ndcg_low: float
    ndcg_high: float

    def as_dict(self) -> dict[str, float]:
        """Plain values, for JSON."""
        return asdict(self)


def ranking_figures(
    ranks: Mapping[str, NDArray[Any]], k: int, *, seed: int = 0
) -> dict[str, RankingFigures]:
    """Figures of every scorer, all on the same resamples of the users.

    Args:
        ranks: places of the held-out items by scorer, each (users,), from 1.
        k: length of a list.
    """
    rows = [score(places, k) for places in ranks.values() for score in (hits, gains)]
    figures = means_with_intervals(rows, seed=seed)
    return {
        name: RankingFigures(*hr, *ndcg)
        for name, hr, ndcg in zip(ranks, figures[::2], figures[1::2], strict=True)
    }


def hits(ranks: ArrayLike, k: int) -> NDArray[np.float64]:
    """1 for every user whose item is among the first k, else 0."""
    return (np.asarray(ranks) <= k).astype(np.float64)


def gains(ranks: ArrayLike, k: int) -> NDArray[np.float64]:
    """1 / log2(1 + rank) for the same users, else 0."""
    places = np.asarray(ranks, dtype=np.float64)
    return np.where(places <= k, 1.0 / np.log2(1.0 + places), 0.0)


def hit_difference(first: ArrayLike, second: ArrayLike, k: int) -> DifferenceInterval:
    """Interval of the difference of HR@k, paired by user, and by seed where ranks have that axis.

    Args:
        first: ranks, (users,) or (seeds, users).
        second: the other network's.
    """
    return paired_difference(hits(first, k), hits(second, k))


def gain_difference(first: ArrayLike, second: ArrayLike, k: int) -> DifferenceInterval:
    """The same of NDCG@k."""
    return paired_difference(gains(first, k), gains(second, k))


def ranking_lines(figures: Mapping[str, Mapping[str, float]], k: int) -> list[str]:
    """A line per scorer, aligned, for people."""
    width = max(map(len, figures))
    return [
        f"{name:<{width}}  HR@{k} {f['hr']:.4f} [{f['hr_low']:.4f}, {f['hr_high']:.4f}]  "
        f"NDCG@{k} {f['ndcg']:.4f} [{f['ndcg_low']:.4f}, {f['ndcg_high']:.4f}]"
        for name, f in figures.items()
    ]


def ranking_lead_lines(ranking: Mapping[str, Any], network: str) -> list[str]:
    """A line per baseline: the network's figures minus its own, paired, 95 % intervals."""
    k = ranking["k"]
    lines = []
    for name, hit in ranking[f"{network}_minus"].items():
        gain = ranking[f"{network}_minus_ndcg"][name]
        told = "; ".join(
            f"{label}@{k} {d['difference']:+.4f} [{d['low']:+.4f}, {d['high']:+.4f}]"
            for label, d in (("HR", hit), ("NDCG", gain))
        )
        lines.append(f"{network} minus {name}: {told}")
    return lines
