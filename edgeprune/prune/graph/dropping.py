"""A graph with fewer groups: some channels are not to be removed after all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeprune.prune.graph.types import ChannelGraph, Skipped


def without_groups(graph: ChannelGraph, kept: Mapping[int, Skipped | None]) -> ChannelGraph:
    """The graph less these groups.

    Args:
        graph: the channels.
        kept: by index of a group that stays, what `skipped` is to say of it. Of linked groups all
            are in here or none.
    """
    if not kept:
        return graph
    number = np.full(len(graph.groups) + 1, -1, dtype=np.int64)
    stays = [g for g in range(len(graph.groups)) if g not in kept]
    number[stays] = np.arange(len(stays))
    return replace(
        graph,
        groups=tuple(graph.groups[g] for g in stays),
        skipped=(*graph.skipped, *(entry for entry in kept.values() if entry is not None)),
        outputs={
            path: replace(
                c, group=number[c.group], channel=np.where(number[c.group] < 0, -1, c.channel)
            )
            for path, c in graph.outputs.items()
        },
        splits=tuple(
            replace(s, group=int(number[s.group])) for s in graph.splits if s.group not in kept
        ),
        cut_outs=tuple(
            replace(c, group=int(number[c.group])) for c in graph.cut_outs if c.group not in kept
        ),
        links=tuple(
            replace(link, groups=tuple(int(number[g]) for g in link.groups))
            for link in graph.links
            if link.groups[0] not in kept
        ),
    )
