"""From solved classes to groups of interchangeable channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgeprune.prune.graph.ledger import Reason, Solution
from edgeprune.prune.graph.tensors import TensorTable, layer_of
from edgeprune.prune.graph.types import AxisSlices, ChannelGroup, IntArray


@dataclass(frozen=True, eq=False)
class Grouping:
    """The groups, and where every label went.

    Attributes:
        groups: groups of at least two channels.
        group: index of the group of each label, or -1 where it stays.
        channel: channel of each label within its group, or -1.
        single: labels of channels that have nothing to rank against.
    """

    groups: tuple[ChannelGroup, ...]
    group: IntArray
    channel: IntArray
    single: IntArray


def make_groups(table: TensorTable, solution: Solution, reasons: Sequence[Reason]) -> Grouping:
    """Collect the classes that may go and that own equally many places in the same slots."""
    group = np.full(table.size, -1, dtype=np.int64)
    channel = np.full(table.size, -1, dtype=np.int64)
    groups: list[ChannelGroup] = []
    single = [np.empty(0, dtype=np.int64)]
    used: Counter[str] = Counter()
    for slots, labels in _alike(table, solution):
        if len(labels) < 2:
            single.append(labels.reshape(-1))
            continue
        group[labels] = len(groups)
        channel[labels] = np.arange(len(labels))[:, None]
        groups.append(_group(table, solution, reasons, slots, labels, used))
    return Grouping(tuple(groups), group, channel, np.concatenate(single))


def _alike(table: TensorTable, solution: Solution) -> list[tuple[IntArray, IntArray]]:
    """Classes by the slots they live in: (slots (k,), labels (classes, k)) of each kind."""
    free = np.flatnonzero(solution.protected < 0)
    free = free[np.argsort(solution.component[free], kind="stable")]
    limits = np.flatnonzero(np.diff(solution.component[free], prepend=-1, append=-1)).tolist()
    members: dict[bytes, list[IntArray]] = {}
    slots = table.slot_of(free)
    for begin, end in pairwise(limits):
        members.setdefault(slots[begin:end].tobytes(), []).append(free[begin:end])
    return [(np.frombuffer(key, dtype=np.int64), np.stack(m)) for key, m in members.items()]


def _group(
    table: TensorTable,
    solution: Solution,
    reasons: Sequence[Reason],
    slots: IntArray,
    labels: IntArray,
    used: Counter[str],
) -> ChannelGroup:
    found = [_slices(table, solution, slot, labels[:, slots == slot]) for slot in np.unique(slots)]
    base = layer_of(next((s.tensor for s in found if s.writes), found[0].tensor))
    used[base] += 1
    name = base if used[base] == 1 else f"{base}#{used[base]}"
    why = solution.inexact[labels[:, 0]].max()
    text = reasons[why].text if why >= 0 else ""
    return ChannelGroup(name, len(labels), tuple(found), exact=why < 0, why_inexact=text)


def _slices(table: TensorTable, solution: Solution, slot: int, labels: IntArray) -> AxisSlices:
    """The places of all channels, labels (channels, places each), along the axis of one slot."""
    key, axis = table.slots[slot]
    channel = np.broadcast_to(np.arange(len(labels))[:, None], labels.shape).reshape(-1)
    index = labels.reshape(-1) - table.start[slot]
    order = np.argsort(index)
    return AxisSlices(
        key,
        axis,
        index[order],
        channel[order],
        reads=bool(solution.reads[labels].any()),
        writes=bool(solution.writes[labels].any()),
    )
