"""From solved classes to groups of interchangeable channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from edgeprune.prune.graph.ledger import Reason, Solution
from edgeprune.prune.graph.tensors import TensorTable, layer_of
from edgeprune.prune.graph.types import AxisSlices, ChannelGroup, IntArray, Queries


@dataclass(frozen=True, eq=False)
class Grouping:
    """The groups, and where every label went.

    Attributes:
        groups: groups of at least two channels.
        group: index of the group of each label, or -1 where it stays.
        channel: channel of each label within its group, or -1.
        single: labels of channels that have nothing to rank against.
        constants: buffers whose channels could go, but were not learnt.
    """

    groups: tuple[ChannelGroup, ...]
    group: IntArray
    channel: IntArray
    single: IntArray
    constants: tuple[str, ...]


def make_groups(table: TensorTable, solution: Solution, reasons: Sequence[Reason]) -> Grouping:
    """Collect the classes that may go and that own equally many places in the same slots."""
    group = np.full(table.size, -1, dtype=np.int64)
    channel = np.full(table.size, -1, dtype=np.int64)
    groups: list[ChannelGroup] = []
    single = [np.empty(0, dtype=np.int64)]
    constants: list[str] = []
    used: Counter[str] = Counter()
    for slots, labels in _alike(table, solution):
        if _is_constant(table, solution, labels):
            if len(labels) > 1:
                constants += [table.slots[s][0] for s in np.unique(slots).tolist()]
            continue
        if len(labels) < 2:
            single.append(labels.reshape(-1))
            continue
        group[labels] = len(groups)
        channel[labels] = np.arange(len(labels))[:, None]
        groups.append(_group(table, solution, reasons, slots, labels, used))
    tables = dict.fromkeys(key for key in constants if key not in table.parameters)
    return Grouping(tuple(groups), group, channel, np.concatenate(single), tuple(tables))


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


def _is_constant(table: TensorTable, solution: Solution, labels: IntArray) -> bool:
    """Whether the channels come out of a table of constants: nothing that was learnt makes them."""
    first = labels[0]
    learnt = table.in_parameters()[first]
    return not bool((learnt & ~solution.reads[first]).any() or solution.writes[first].any())


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
    return ChannelGroup(
        name,
        len(labels),
        tuple(found),
        exact=why < 0,
        why_inexact=text,
        unread=bool(solution.unread[labels[:, 0]].any()),
        queries=_queries(solution, found, table),
    )


def _queries(
    solution: Solution, slices: Sequence[AxisSlices], table: TensorTable
) -> Queries | None:
    """The positions among a group's that make attention queries."""
    found, width = [], 0
    for part in slices:
        slot = table.slots.index((part.tensor, part.axis))
        of_query = solution.query_width[table.start[slot] + part.index]
        mine = of_query > 0
        if mine.any():
            width = int(of_query.max())
            found.append(replace(part, index=part.index[mine], channel=part.channel[mine]))
    return Queries(tuple(found), width) if found else None


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
