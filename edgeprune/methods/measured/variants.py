"""Which narrowed networks are measured for a table of costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgeprune.prune.graph.types import ChannelGraph, IntArray, Link
from edgeprune.prune.removal import Removal, make_removal
from edgeprune.prune.steps import bundles_of, make_steps
from edgeprune.prune.width_rules import WidthRules, structures

_WIDTHS = 8  # of each group, below its own: what a kernel pads to is a step in its time
_JOINT = 4  # networks narrowed as a whole; the last is the narrowest there is


class Cut(NamedTuple):
    """One width of one group: the variant that measures it, and the group's width there."""

    variant: str
    width: int


@dataclass(frozen=True, eq=False)
class Variants:
    """What a table needs measured.

    Attributes:
        removed: channels that go, per group, by the variant's name.
        cuts: by group, the variants in which it alone is narrowed, from the widest on. Groups
            that are alike share their variants.
        joint: names of the networks that are narrowed as a whole.
    """

    removed: Mapping[str, IntArray]
    cuts: Mapping[str, tuple[Cut, ...]]
    joint: tuple[str, ...]


def plan_variants(graph: ChannelGraph, rules: WidthRules) -> Variants:
    """A few widths for each group, and a few for all of them."""
    units = _units(graph, rules)
    removed: dict[str, IntArray] = {}
    cuts: dict[str, tuple[Cut, ...]] = {}
    measured: dict[object, str] = {}
    for bundle in bundles_of(graph):
        lead = graph.groups[bundle.groups[0]]
        if lead.name not in units:
            continue
        alike = measured.setdefault(_signature(graph, bundle), lead.name)
        units[lead.name] = _some(units[lead.name], lead.size, bundle.ratio[0])
        found = []
        for unit in units[lead.name]:
            width = lead.size - int(unit) * bundle.ratio[0]
            name = f"{alike}@{width}"
            removed.setdefault(name, _counts(graph, {bundle: int(unit)}))
            found.append(Cut(name, width))
        cuts[lead.name] = tuple(found)
    joint = []
    for part in range(1, _JOINT + 1):
        taken = {
            bundle: int(units[name][round(len(units[name]) * part / _JOINT) - 1])
            for bundle in bundles_of(graph)
            if (name := graph.groups[bundle.groups[0]].name) in units
            and round(len(units[name]) * part / _JOINT)
        }
        counts = _counts(graph, taken)
        name = name_of(graph, counts)
        if taken and name not in removed:
            removed[name] = counts
            joint.append(name)
    return Variants(removed, cuts, tuple(joint))


def removal_of(counts: IntArray) -> Removal:
    """Any channels, so many per group: no cost depends on which."""
    return make_removal([np.arange(n) for n in counts])


def name_of(graph: ChannelGraph, counts: IntArray) -> str:
    """A name for the network with so many channels removed from each group."""
    widths = (str(g.size - n) for g, n in zip(graph.groups, counts, strict=True))
    return f"all@{'-'.join(widths)}"


def _units(graph: ChannelGraph, rules: WidthRules) -> dict[str, IntArray]:
    """Units that may go, ascending, by the first group of each bundle that may lose any."""
    flat = [np.ones(group.size) for group in graph.groups]
    sizes = {group.name: group.size for group in graph.groups}
    steps = make_steps(graph, flat, sizes, rules, split_small=False)
    if not len(steps):
        steps = make_steps(graph, flat, sizes, rules, split_small=True)
    return {
        graph.groups[group].name: np.cumsum(steps.size[steps.group == group])
        for group in np.unique(steps.group)
    }


def _some(units: IntArray, size: int, channels: int) -> IntArray:
    """At most `_WIDTHS` of a group's units: all, or the widths that are multiples of more.

    Kernels pad widths to a power of two, so those are the last of a step each. The narrowest is
    always among them.

    Args:
        units: that may go, ascending.
        size: of the group.
        channels: of it that a unit takes.
    """
    widths = size - units * channels
    grain = int(np.gcd.reduce([size, *widths]))
    kept = np.ones(len(units), dtype=bool)
    while kept.sum() > _WIDTHS:
        grain *= 2
        kept = widths % grain == 0
        kept[-1] = True
    return units[kept]


def _counts(graph: ChannelGraph, units: Mapping[Link, int]) -> IntArray:
    counts = np.zeros(len(graph.groups), dtype=np.int64)
    for bundle, unit in units.items():
        counts[list(bundle.groups)] = np.array(bundle.ratio) * unit
    return counts


def _signature(graph: ChannelGraph, bundle: Link) -> tuple[object, ...]:
    """Bundles of one signature sit on tensors of the same shapes, read at as many positions."""
    positions = {layer.weight: layer.positions for layer in graph.layers}
    kinds = structures(graph)
    return tuple(
        (
            int(kinds[number]),
            graph.groups[number].size,
            ratio,
            tuple(
                sorted(
                    (graph.tensors[s.tensor], s.axis, positions.get(s.tensor, 0))
                    for s in graph.groups[number].slices
                )
            ),
        )
        for number, ratio in zip(bundle.groups, bundle.ratio, strict=True)
    )
