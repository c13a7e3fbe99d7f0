"""Channels that can go, as the network's own code allows it.

Tracing tells which positions belong together. Code that cuts an axis into heads or parts may
compute their width from what it finds, from an attribute, from another width, or have it written
out; a trace cannot tell. So it is tried: the network is run without some of the channels, on
tensors that have shapes only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from edgeprune.prune.fake_bench import FakeBench
from edgeprune.prune.graph.dropping import without_groups
from edgeprune.prune.graph.trace import Attention, trace_channels
from edgeprune.prune.graph.types import ChannelGraph, Link, Skipped
from edgeprune.prune.removal import Removal, make_removal
from edgeprune.prune.stopwatch import Stopwatch
from edgeprune.wording import brief


def find_channels(
    model: nn.Module,
    example_inputs: tuple[Tensor, ...],
    *,
    ignored_layers: Sequence[str] = (),
    attention: Attention = "dims",
    watch: Stopwatch | None = None,
) -> ChannelGraph:
    """Trace a network and keep the channels without which its code runs.

    Takes, returns and raises what `trace_channels` does. Groups that only go in proportion to
    others are linked; those that cannot go at all are named among `skipped`.

    Args:
        watch: counts the seconds of `splits` besides.
    """
    watch = watch or Stopwatch()
    graph = trace_channels(
        model, example_inputs, ignored_layers=ignored_layers, attention=attention, watch=watch
    )
    if not graph.splits and not graph.cut_outs:
        return graph
    with watch.part("splits"):
        try:
            bench = FakeBench(model, graph, example_inputs)
        except Exception as failure:  # whatever a user's forward raises on tensors without data
            why = f"they could not be tried ({brief(failure)})"
            return without_groups(graph, _named(graph, dict.fromkeys(sorted(_watched(graph)), why)))
        return _fitted(graph, bench)


def _fitted(graph: ChannelGraph, bench: FakeBench) -> ChannelGraph:
    clusters = _clusters(graph)
    alone = [_split_groups(graph, cluster) for cluster in clusters]
    around = [sorted(set(c) - set(a)) for c, a in zip(clusters, alone, strict=True)]
    if _runs(graph, bench, alone) and _runs(graph, bench, around):
        return graph
    found = [_link(graph, _tied(graph, bench, cluster)) for cluster in clusters]
    links = [link for link in found if link is not None]
    if len(links) == len(found) and not bench.complaint(_together(graph, links)):
        return _with_links(graph, links)
    return _one_by_one(graph, bench, clusters)


def _one_by_one(
    graph: ChannelGraph, bench: FakeBench, clusters: Sequence[Sequence[int]]
) -> ChannelGraph:
    links: list[Link] = []
    kept: dict[int, str] = {}
    for cluster in clusters:
        wrong = {group: bench.complaint(_one_each(graph, [group])) for group in cluster}
        if not any(wrong.values()):
            continue
        link = _link(graph, _tied(graph, bench, cluster))
        if link is not None and not bench.complaint(_together(graph, [link])):
            links.append(link)
            continue
        kept |= {group: f"without them, {why}" for group, why in wrong.items() if why}
    return without_groups(_with_links(graph, links), _named(graph, kept))


def _clusters(graph: ChannelGraph) -> list[list[int]]:
    """Split groups, with the groups on the other axes of the weights that make or read them."""
    inner = _watched(graph)
    tensors = [{s.tensor for s in group.slices} for group in graph.groups]
    weights = [{s.tensor for s in group.slices if s.reads or s.writes} for group in graph.groups]
    clusters: list[set[int]] = []
    for group in sorted(inner):
        near = {g for g in range(len(graph.groups)) if weights[group] & tensors[g]} | {group}
        touching = [c for c in clusters if c & near]
        clusters = [c for c in clusters if not c & near] + [near.union(*touching)]
    return [sorted(cluster) for cluster in clusters]


def _split_groups(graph: ChannelGraph, cluster: Iterable[int]) -> list[int]:
    inner = _watched(graph)
    return [group for group in cluster if group in inner]


def _watched(graph: ChannelGraph) -> set[int]:
    """Groups whose widths the network's code may depend on."""
    return {split.group for split in graph.splits} | {cut.group for cut in graph.cut_outs}


def _tied(graph: ChannelGraph, bench: FakeBench, cluster: Sequence[int]) -> list[int]:
    """The cluster less the groups around the watched ones that may go alone."""
    inner = _watched(graph)
    return [g for g in cluster if g in inner or bench.complaint(_one_each(graph, [g]))]


def _link(graph: ChannelGraph, cluster: Sequence[int]) -> Link | None:
    """All groups of a cluster in proportion to their sizes; None where there is none."""
    sizes = [graph.groups[group].size for group in cluster]
    smallest = min(sizes)
    if len(cluster) < 2 or any(size % smallest for size in sizes):
        return None
    module = next((s.module for s in graph.splits if s.group in cluster), "")
    return Link(tuple(cluster), tuple(size // smallest for size in sizes), module)


def _runs(graph: ChannelGraph, bench: FakeBench, parts: Sequence[Sequence[int]]) -> bool:
    groups = [group for part in parts for group in part]
    return not groups or not bench.complaint(_one_each(graph, groups))


def _one_each(graph: ChannelGraph, groups: Sequence[int]) -> Removal:
    return _removal(graph, dict.fromkeys(groups, 1))


def _together(graph: ChannelGraph, links: Sequence[Link]) -> Removal:
    counts = {g: n for link in links for g, n in zip(link.groups, link.ratio, strict=True)}
    return _removal(graph, counts)


def _removal(graph: ChannelGraph, counts: dict[int, int]) -> Removal:
    return make_removal([np.arange(counts.get(g, 0)) for g in range(len(graph.groups))])


def _with_links(graph: ChannelGraph, links: Sequence[Link]) -> ChannelGraph:
    """Linked groups are only exact together."""
    groups = list(graph.groups)
    for link in links:
        members = [groups[g] for g in link.groups]
        inexact = next((group for group in members if not group.exact), None)
        if inexact is not None:
            for g in link.groups:
                why = groups[g].why_inexact or inexact.why_inexact
                groups[g] = replace(groups[g], exact=False, why_inexact=why)
    return replace(graph, groups=tuple(groups), links=tuple(links))


def _named(graph: ChannelGraph, kept: Mapping[int, str]) -> dict[int, Skipped]:
    """Groups that stay, and what is said of them."""
    modules = {split.group: f" in '{split.module}'" for split in reversed(graph.splits)}
    return {
        group: Skipped(
            graph.groups[group].name,
            f"the code{modules.get(group, '')} works with fixed widths: {why}",
        )
        for group, why in kept.items()
    }
