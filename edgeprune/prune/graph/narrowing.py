"""The graph of a network after channels have gone, without tracing it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprune.prune.graph.types import (
    AxisSlices,
    BoolArray,
    ChannelGraph,
    ChannelGroup,
    CutOut,
    IntArray,
    Link,
    ModuleChannels,
    Queries,
    Skipped,
    Split,
)

Kept = dict[tuple[str, int], BoolArray]


def narrow_graph(graph: ChannelGraph, removed: Sequence[IntArray]) -> ChannelGraph:
    """What `trace_channels` would find once these channels are gone.

    Args:
        graph: the graph before the removal.
        removed: for each group, the channels that go, in any order.

    Returns:
        A graph with the same groups less those that are down to one channel, which are named in
        `skipped`. Positions and channels are numbered anew, in their old order.

    Raises:
        ValueError: a group would lose all its channels.
    """
    keep = [~np.isin(np.arange(g.size), r) for g, r in zip(graph.groups, removed, strict=True)]
    for group, kept in zip(graph.groups, keep, strict=True):
        if not kept.any():
            raise ValueError(f"group '{group.name}' would lose all its channels")
    wide = np.array([int(kept.sum()) > 1 for kept in keep], dtype=np.bool_)
    for link in graph.links:
        wide[list(link.groups)] &= all(wide[g] for g in link.groups)
    places = _kept_places(graph, keep)
    pairs = [(group, kept) for group, kept, w in zip(graph.groups, keep, wide, strict=True) if w]
    single = [group.name for group, w in zip(graph.groups, wide, strict=True) if not w]
    new_group = np.where(wide, np.cumsum(wide) - 1, -1)
    return replace(
        graph,
        groups=tuple(_narrow_group(group, kept, places) for group, kept in pairs),
        skipped=graph.skipped + tuple(Skipped(name, _SINGLE) for name in single),
        tensors=_narrow_shapes(graph, places),
        outputs={path: _narrow_output(c, keep, new_group) for path, c in graph.outputs.items()},
        splits=tuple(
            _narrow_split(s, int(new_group[s.group]), int((~keep[s.group]).sum()))
            for s in graph.splits
            if wide[s.group]
        ),
        cut_outs=tuple(
            _narrow_cut_out(c, int(new_group[c.group]), int((~keep[c.group]).sum()))
            for c in graph.cut_outs
            if wide[c.group]
        ),
        links=_narrow_links(graph, wide, new_group),
    )


def _narrow_split(split: Split, group: int, gone: int) -> Split:
    if split.whole:
        return replace(split, group=group, parts=split.parts - gone)
    return replace(split, group=group, width=split.width - gone)


def _narrow_cut_out(cut: CutOut, group: int, gone: int) -> CutOut:
    part = cut.stop - cut.start
    left = part - gone
    start = cut.start // part * left
    return CutOut(group, start, start + left, cut.width // part * left)


def _narrow_links(graph: ChannelGraph, wide: BoolArray, new_group: IntArray) -> tuple[Link, ...]:
    """Links between the groups that are left."""
    return tuple(
        replace(link, groups=tuple(int(new_group[g]) for g in link.groups))
        for link in graph.links
        if all(wide[g] for g in link.groups)
    )


_SINGLE = "it is down to a single channel"


def _kept_places(graph: ChannelGraph, keep: Sequence[BoolArray]) -> Kept:
    """For each axis of each tensor that a group lives in, which positions are left."""
    kept: Kept = {}
    for group, channels in zip(graph.groups, keep, strict=True):
        for s in group.slices:
            width = graph.tensors[s.tensor][s.axis]
            axis = kept.setdefault((s.tensor, s.axis), np.ones(width, dtype=np.bool_))
            axis[s.index] = channels[s.channel]
    return kept


def _narrow_group(group: ChannelGroup, keep: BoolArray, places: Kept) -> ChannelGroup:
    def narrowed(slices: tuple[AxisSlices, ...]) -> tuple[AxisSlices, ...]:
        return tuple(_narrow_slices(s, keep, places[s.tensor, s.axis]) for s in slices)

    queries = group.queries
    if queries is not None:
        width = queries.width - int((~keep).sum())
        queries = Queries(narrowed(queries.slices), width)
    return replace(group, size=int(keep.sum()), slices=narrowed(group.slices), queries=queries)


def _narrow_slices(slices: AxisSlices, keep: BoolArray, places: BoolArray) -> AxisSlices:
    stays = keep[slices.channel]
    return replace(
        slices,
        index=(np.cumsum(places) - 1)[slices.index[stays]],
        channel=(np.cumsum(keep) - 1)[slices.channel[stays]],
    )


def _narrow_shapes(graph: ChannelGraph, places: Kept) -> dict[str, tuple[int, ...]]:
    shapes = {key: list(shape) for key, shape in graph.tensors.items()}
    for (key, axis), kept in places.items():
        shapes[key][axis] = int(kept.sum())
    return {key: tuple(shape) for key, shape in shapes.items()}


def _narrow_output(
    output: ModuleChannels, keep: Sequence[BoolArray], new_group: IntArray
) -> ModuleChannels:
    """Channels at the output of a module; -1 stays -1."""
    start = np.cumsum([0, *(len(kept) for kept in keep)])
    kept_flat = np.concatenate([*keep, [True]])
    new_channel = np.concatenate([*(np.cumsum(kept) - 1 for kept in keep), [-1]])
    flat = np.where(output.group < 0, start[-1], start[output.group] + output.channel)
    stays = kept_flat[flat]
    group = np.append(new_group, -1)[output.group[stays]]
    return ModuleChannels(group, np.where(group < 0, -1, new_channel[flat[stays]]))
