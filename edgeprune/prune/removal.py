"""Which channels go, and what is left of every tensor then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import UserInputError
from edgeprune.prune.graph.types import AxisSlices, ChannelGraph, IntArray


@dataclass(frozen=True, eq=False)
class Removal:
    """Channels to remove from each group of a graph.

    Attributes:
        channels: per group, in the order of `graph.groups`: the channels that go, ascending, each
            once; an empty array where nothing goes.
    """

    channels: tuple[IntArray, ...]

    @cached_property
    def counts(self) -> IntArray:
        """Number of channels that go, per group."""
        return np.array([len(gone) for gone in self.channels], dtype=np.int64)

    @property
    def count(self) -> int:
        """Number of channels that go, over all groups."""
        return int(self.counts.sum())

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes."""
        return self.count == 0

    def restricted_to(self, groups: Sequence[int]) -> Removal:
        """The same removal, from these groups only."""
        wanted = set(groups)
        nothing = np.empty(0, dtype=np.int64)
        return Removal(
            tuple(gone if i in wanted else nothing for i, gone in enumerate(self.channels))
        )

    def touched(self) -> tuple[int, ...]:
        """The groups that lose a channel."""
        return tuple(int(i) for i in np.flatnonzero(self.counts))

    def as_dict(self) -> dict[str, list[list[int]]]:
        """Plain values, for broadcast, JSON and state files."""
        return {"channels": [gone.tolist() for gone in self.channels]}

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> Removal:
        """The inverse of `as_dict`."""
        return make_removal(saved["channels"])


def make_removal(channels: Sequence[Sequence[int] | IntArray]) -> Removal:
    """A removal from channel numbers in any order."""
    return Removal(tuple(np.unique(np.asarray(gone, dtype=np.int64)) for gone in channels))


def check_removal(graph: ChannelGraph, removal: Removal) -> None:
    """Refuse a removal that does not fit the graph.

    Raises:
        UserInputError: another number of groups, channels that do not exist, or all of a group.
    """
    if len(removal.channels) != len(graph.groups):
        raise UserInputError(
            f"the removal is for {len(removal.channels)} channel groups and the network has "
            f"{len(graph.groups)}: trace the network as it is now"
        )
    for group, gone in zip(graph.groups, removal.channels, strict=True):
        if len(gone) and (gone[0] < 0 or gone[-1] >= group.size or len(gone) >= group.size):
            raise UserInputError(
                f"cannot remove {len(gone)} channels up to number {gone[-1]} from group "
                f"'{group.name}' of {group.size}: at least one channel must stay"
            )
    _check_links(graph, removal)


def _check_links(graph: ChannelGraph, removal: Removal) -> None:
    for link in graph.links:
        units = {len(removal.channels[g]) / n for g, n in zip(link.groups, link.ratio, strict=True)}
        if len(units) > 1:
            names = ", ".join(f"'{graph.groups[g].name}'" for g in link.groups[:3])
            raise UserInputError(
                f"channel groups {names}... only go in proportion {link.ratio[:3]}, because "
                f"'{link.module}' takes one width for the other"
            )


def kept_positions(graph: ChannelGraph, removal: Removal) -> dict[tuple[str, int], IntArray]:
    """What is left along every tensor axis that the removal shortens.

    Returns:
        By (canonical tensor name, axis): the positions that stay, ascending.
    """
    gone: dict[tuple[str, int], list[IntArray]] = {}
    for number in removal.touched():
        group = graph.groups[number]
        for slices in group.slices:
            positions = removed_positions(slices, group.size, removal.channels[number])
            gone.setdefault((slices.tensor, slices.axis), []).append(positions)
    return {
        (tensor, axis): _without(graph.tensors[tensor][axis], positions)
        for (tensor, axis), positions in gone.items()
    }


def kept_outputs(graph: ChannelGraph, removal: Removal, path: str) -> IntArray:
    """Channels that stay at the output of the module at `path`, ascending.

    Raises:
        UserInputError: no such module in the traced network.
    """
    group, channel = graph.module_channels(path)
    stays = np.ones(len(group), dtype=bool)
    for number in np.unique(group[group >= 0]):
        here = group == number
        gone = _is_one_of(removal.channels[number], graph.groups[number].size)
        stays[here] = ~gone[channel[here]]
    return np.flatnonzero(stays).astype(np.int64)


def removed_positions(slices: AxisSlices, size: int, channels: IntArray) -> IntArray:
    """Positions along the axis of `slices` that belong to `channels` of a group of `size`."""
    positions: IntArray = slices.index[_is_one_of(channels, size)[slices.channel]]
    return positions


def _is_one_of(channels: IntArray, size: int) -> NDArray[np.bool_]:
    gone = np.zeros(size, dtype=bool)
    gone[channels] = True
    return gone


def _without(width: int, gone: list[IntArray]) -> IntArray:
    stays = np.ones(width, dtype=bool)
    for positions in gone:
        stays[positions] = False
    return np.flatnonzero(stays).astype(np.int64)
