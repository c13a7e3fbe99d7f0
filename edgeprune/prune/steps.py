"""The rounding steps of each channel group: which widths it may have, and what each step costs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph, ChannelGroup, IntArray
from edgeprune.prune.width_rules import WidthRules

_EXACT = 1e-9  # keeps 0.1 * 80 from being rounded up to 9


@dataclass(frozen=True, eq=False)
class Steps:
    """Every step of every group, as columns; the steps of a group come in the order they are taken.

    Attributes:
        group: the group that gets narrower.
        order: 0 for the group's first step.
        size: channels the step removes.
        score: mean importance of those channels.
        lost: sum of it.
        fraction: share of the original width that is gone half-way through the step.
    """

    group: IntArray
    order: IntArray
    size: IntArray
    score: FloatArray
    lost: FloatArray
    fraction: FloatArray

    def __len__(self) -> int:
        return len(self.group)


def allowed_widths(
    group: ChannelGroup, original: int, *, round_to: int, floor: float, split_small: bool
) -> list[int]:
    """Widths below the present one that a group may get, descending.

    A group wider than `round_to` keeps a multiple of it; what counts is the width of its tensors,
    so a channel that owns four positions makes four. A narrower group cannot: it goes channel by
    channel. One of exactly `round_to` would lose the rounding it has, and does so only with
    `split_small`.

    Args:
        original: width in the original network; the floor is a fraction of it.
    """
    least = max(1, math.ceil(floor * original - _EXACT))
    unit = positions_per_channel(group)
    if original * unit <= round_to:
        splits = split_small or original * unit < round_to
        return list(range(group.size - 1, least - 1, -1)) if splits else []
    step = round_to // math.gcd(round_to, unit)
    first = (group.size - 1) // step * step
    return list(range(first, math.ceil(least / step) * step - 1, -step))


def positions_per_channel(group: ChannelGroup) -> int:
    """Positions one channel owns along the narrowest of its axes."""
    return min((len(s.index) // group.size for s in group.slices), default=1)


def make_steps(
    graph: ChannelGraph,
    scores: Sequence[FloatArray],
    original: Mapping[str, int],
    rules: WidthRules,
    *,
    split_small: bool,
    locked: Collection[int] = (),
    within: IntArray | None = None,
) -> Steps:
    """The steps of all groups that may lose channels, the least important channels first.

    Groups that are locked, or that a criterion could not score, have no steps. With `within`, a
    group has only those that take at most so many channels in all.
    """
    least = [0] * len(graph.groups) if within is None else _left_after(graph, within)
    columns = [
        _steps_of(number, group, score, allowed, original[group.name])
        for number, (group, score) in enumerate(zip(graph.groups, scores, strict=True))
        if number not in locked and np.isfinite(score).all()
        for widths in [
            allowed_widths(
                group,
                original[group.name],
                round_to=rules.round_to,
                floor=rules.floor_of(group),
                split_small=split_small,
            )
        ]
        if (allowed := [width for width in widths if width >= least[number]])
    ]
    table = np.concatenate(columns, axis=1) if columns else np.empty((6, 0))
    return Steps(*table[:3].astype(np.int64), *table[3:])


def _left_after(graph: ChannelGraph, removed: IntArray) -> list[int]:
    return [group.size - int(n) for group, n in zip(graph.groups, removed, strict=True)]


def _steps_of(
    number: int, group: ChannelGroup, score: FloatArray, allowed: list[int], original: int
) -> FloatArray:
    widths = np.array([group.size, *allowed])
    sizes = -np.diff(widths)
    ascending = np.sort(score)[: group.size - allowed[-1]]
    lost = np.add.reduceat(ascending, group.size - widths[:-1])
    middle = (widths[:-1] + widths[1:]) / 2
    return np.stack(
        [
            np.full(len(sizes), float(number)),
            np.arange(len(sizes), dtype=np.float64),
            sizes.astype(np.float64),
            lost / sizes,
            lost,
            1.0 - middle / original,
        ]
    )
