"""The rounding steps of each channel group: which widths it may have, and what each step costs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph, ChannelGroup, IntArray, Link
from edgeprune.prune.width_rules import WidthRules

_EXACT = 1e-9  # keeps 0.1 * 80 from being rounded up to 9


@dataclass(frozen=True, eq=False)
class Steps:
    """Every step of every group, as columns; the steps of a group come in the order they are taken.

    Attributes:
        group: the group that gets narrower; of linked groups the first one.
        order: 0 for the group's first step.
        size: units the step removes: channels, or for linked groups what goes together.
        score: mean importance of those channels.
        lost: sum of it.
        fraction: share of the original width that is gone half-way through the step.
        per_unit: channels of every group that a unit takes, shape (groups, groups).
    """

    group: IntArray
    order: IntArray
    size: IntArray
    score: FloatArray
    lost: FloatArray
    fraction: FloatArray
    per_unit: IntArray

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

    Groups that are locked, or that a criterion could not score, have no steps, nor have those that
    are linked to them. With `within`, a group has only those that take at most so many channels in
    all.
    """
    bundles = bundles_of(graph)
    columns = []
    for bundle in bundles:
        if any(g in locked or not np.isfinite(scores[g]).all() for g in bundle.groups):
            continue
        units = _common_units(graph, bundle, original, rules, split_small)
        if within is not None:
            units = [n for n in units if n * bundle.ratio[0] <= within[bundle.groups[0]]]
        if units:
            columns.append(_steps_of(graph, bundle, scores, units, original))
    table = np.concatenate(columns, axis=1) if columns else np.empty((6, 0))
    group, order, size = table[:3].astype(np.int64)
    score, lost, fraction = table[3:]
    return Steps(group, order, size, score, lost, fraction, _per_unit(graph, bundles))


def bundles_of(graph: ChannelGraph) -> list[Link]:
    """The links of a graph, and every other group as one of its own, in the groups' order."""
    linked = {group for link in graph.links for group in link.groups}
    single = [Link((g,), (1,), "") for g in range(len(graph.groups)) if g not in linked]
    return sorted([*single, *graph.links], key=lambda bundle: bundle.groups[0])


def _per_unit(graph: ChannelGraph, bundles: Sequence[Link]) -> IntArray:
    """Channels of every group that one unit takes, by the bundle's first group."""
    matrix = np.zeros((len(graph.groups), len(graph.groups)), dtype=np.int64)
    for bundle in bundles:
        matrix[bundle.groups[0], list(bundle.groups)] = bundle.ratio
    return matrix


def _common_units(
    graph: ChannelGraph,
    bundle: Link,
    original: Mapping[str, int],
    rules: WidthRules,
    split_small: bool,
) -> list[int]:
    """How many units may go so that every group of the bundle has an allowed width, ascending."""
    possible: set[int] | None = None
    for number, ratio in zip(bundle.groups, bundle.ratio, strict=True):
        group = graph.groups[number]
        widths = allowed_widths(
            group,
            original[group.name],
            round_to=rules.round_to,
            floor=rules.floor_of(group),
            split_small=split_small,
        )
        units = {(group.size - w) // ratio for w in widths if (group.size - w) % ratio == 0}
        possible = units if possible is None else possible & units
    return sorted(possible or ())


def _steps_of(
    graph: ChannelGraph,
    bundle: Link,
    scores: Sequence[FloatArray],
    units: list[int],
    original: Mapping[str, int],
) -> FloatArray:
    taken = np.array([0, *units])
    sizes = np.diff(taken)
    lost = np.zeros(len(sizes))
    for number, ratio in zip(bundle.groups, bundle.ratio, strict=True):
        ascending = np.sort(scores[number])[: taken[-1] * ratio]
        lost += np.add.reduceat(ascending, taken[:-1] * ratio)
    first = graph.groups[bundle.groups[0]]
    middle = first.size - bundle.ratio[0] * (taken[:-1] + taken[1:]) / 2
    return np.stack(
        [
            np.full(len(sizes), float(bundle.groups[0])),
            np.arange(len(sizes), dtype=np.float64),
            sizes.astype(np.float64),
            lost / (sizes * sum(bundle.ratio)),
            lost,
            1.0 - middle / original[first.name],
        ]
    )
