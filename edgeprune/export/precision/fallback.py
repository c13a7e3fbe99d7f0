"""Which layers go back to floating point, so that the accuracy holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.export.noise import noise_db
from edgeprune.export.precision.calibration import Counting, silent
from edgeprune.export.precision.survey import Feed
from edgeprune.export.precision.switchboard import Switchboard


@dataclass(frozen=True)
class SiteCost:
    """What one INT8 site does to the network's output, all others in floating point.

    Attributes:
        node: of the site.
        label: the layer, for people.
        noise_db: signal-to-noise ratio of the output in decibels, of several outputs the lowest;
            the lower, the worse.
    """

    node: str
    label: str
    noise_db: float


@dataclass(frozen=True)
class Kept:
    """Sites that stay INT8.

    Attributes:
        on: their nodes.
        off: the sites that went back to floating point, the costliest first.
        drop: how many points of the metric are lost; None where there was no metric.
        holds: whether the allowed drop is kept.
    """

    on: tuple[str, ...]
    off: tuple[SiteCost, ...]
    drop: float | None
    holds: bool


def site_costs(
    board: Switchboard, feeds: Sequence[Feed], count: Counting = silent
) -> tuple[SiteCost, ...]:
    """Each site alone in INT8, the costliest first."""
    exact = [board.outputs(feed, ()) for feed in feeds]
    costs = []
    for number, site in enumerate(board.sites.found, start=1):
        count("measuring layers in INT8", number, len(board.sites.found))
        alone = [site.node] if site.extends is None else [site.node, site.extends]
        found = [board.outputs(feed, alone) for feed in feeds]
        costs.append(SiteCost(site.node, site.label, worst_noise_db(exact, found)))
    return tuple(sorted(costs, key=lambda cost: cost.noise_db))


def worst_noise_db(
    exact: Sequence[Sequence[NDArray[np.floating]]], found: Sequence[Sequence[NDArray[np.floating]]]
) -> float:
    """That of the output with the most noise: the quiet ones must not hide it.

    Args:
        exact: all outputs of the network, by batch.
        found: the same of the one that is measured.
    """
    by_output = zip(zip(*exact, strict=True), zip(*found, strict=True), strict=True)
    return min(noise_db(a, b) for a, b in by_output)


def fall_back(
    costs: Sequence[SiteCost], drop_of: Callable[[Sequence[str]], float], allowed: float
) -> Kept:
    """Put the costliest sites back, as few as it takes.

    The number is doubled until the drop is allowed, then narrowed down by halves; each try is a
    pass over the validation data.

    Args:
        costs: the costliest first.
        drop_of: points of the metric lost with these nodes in INT8.
        allowed: most points that may be lost.
    """
    everything = [cost.node for cost in costs]

    def tried(number: int) -> float:
        return drop_of(everything[number:])

    drops: dict[int, float] = {0: tried(0)}
    low, high = 0, 0
    while drops[high] > allowed and high < len(everything):
        low, high = high, min(max(1, 2 * high), len(everything))
        drops[high] = tried(high)
    while high - low > 1 and drops[high] <= allowed:
        middle = (low + high) // 2
        drops[middle] = tried(middle)
        low, high = (low, middle) if drops[middle] <= allowed else (middle, high)
    return Kept(
        on=tuple(everything[high:]),
        off=tuple(costs[:high]),
        drop=drops[high],
        holds=drops[high] <= allowed,
    )
