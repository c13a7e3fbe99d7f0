"""What channel discovery finds: plain, frozen results that every other part of pruning reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import UserInputError

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class AxisSlices:
    """Where the channels of a group live along one axis of one tensor.

    Attributes:
        tensor: canonical `state_dict` key (or the name of a non-persistent buffer).
        axis: axis of that tensor.
        index: positions along the axis, ascending, each at most once.
        channel: for each position, the channel `0..size-1` of the group that it belongs to. One
            channel may own several positions (flatten, shuffles); all channels of a group own
            equally many.
        reads: an operation sums over this axis (the input axis of a convolution or linear layer):
            zeroing these slices is what "nobody reads the channel" means.
        writes: the positions create the channel (the output axis of a convolution, linear layer or
            embedding), as against tensors that only follow it (bias, batch norm, a gain).
    """

    tensor: str
    axis: int
    index: IntArray
    channel: IntArray
    reads: bool = False
    writes: bool = False


@dataclass(frozen=True, eq=False)
class Queries:
    """Where the channels of a group make attention queries that a score scales by their width.

    Code that divides scores by the root of the width it finds divides by less once channels are
    gone. Surgery makes up for it in the weights that make the queries.

    Attributes:
        slices: the positions, as in a group; a subset of the group's.
        width: elements of one query, prunable or not.
    """

    slices: tuple[AxisSlices, ...]
    width: int


@dataclass(frozen=True, eq=False)
class ChannelGroup:
    """Channels that are interchangeable in kind: the same tensors along the same axes.

    Attributes:
        name: unique within its graph, stable between runs; the first layer that writes the group.
        size: number of channels, at least 2.
        slices: sorted by the order of the tensors in the `state_dict`, then by axis.
        exact: removing a channel equals masking it. False behind a norm or softmax over channels.
        why_inexact: the reason in a user's words; empty for exact groups.
        unread: something other than a weight sums over the channels (an attention score): what
            silences them is zero weights where they arise.
        queries: for channels of attention heads whose score depends on their width.
    """

    name: str
    size: int
    slices: tuple[AxisSlices, ...]
    exact: bool = True
    why_inexact: str = ""
    unread: bool = False
    queries: Queries | None = None


@dataclass(frozen=True)
class Skipped:
    """A layer with channels that cannot go, and why, in a user's words."""

    layer: str
    reason: str


@dataclass(frozen=True)
class LayerCost:
    """The cost of one layer: `macs = positions * numel(weight)`.

    Attributes:
        name: module path, or the key of a bare parameter used as a weight.
        weight: canonical `state_dict` key of the weight.
        positions: places at which every weight element is used once, at the traced inputs: output
            positions of a convolution or linear layer, input positions of a transposed convolution.
            A layer that is called several times has the sum.
    """

    name: str
    weight: str
    positions: int


@dataclass(frozen=True, eq=False)
class ModuleChannels:
    """Channels at a module's output: per position `(group, channel)`, both -1 where protected."""

    group: IntArray
    channel: IntArray


@dataclass(frozen=True)
class Split:
    """A reshape in a module's code that cuts an axis into parts of equal width: heads, groups.

    Attributes:
        module: path of the module whose code it is.
        group: index of the channel group.
        parts: number of parts, those of fused queries, keys and values counted one by one.
        width: of one part, prunable or not.
        whole: one channel is a whole part, a head, and not one offset within all of them.
    """

    module: str
    group: int
    parts: int
    width: int
    whole: bool = False


@dataclass(frozen=True)
class CutOut:
    """A slice that takes one of several equal parts of an axis.

    Attributes:
        group: index of the channel group; one channel is one offset within every part.
        start: first position it takes.
        stop: the position after the last.
        width: of the axis.
    """

    group: int
    start: int
    stop: int
    width: int


@dataclass(frozen=True)
class Link:
    """Groups that lose channels in proportion, because some code takes one width for another.

    Attributes:
        groups: indices of the groups.
        ratio: channels that each of them loses when the others lose theirs.
        module: path of a module whose code it is.
    """

    groups: tuple[int, ...]
    ratio: tuple[int, ...]
    module: str


@dataclass(frozen=True, eq=False)
class ChannelGraph:
    """Everything pruning has to know of a network's structure.

    Attributes:
        groups: the removable channels.
        skipped: the layers with channels that stay, and why.
        layers: costs of all layers with a weight, at the traced inputs.
        tensors: shape of every parameter and buffer, by canonical key, in `state_dict` order.
        aliases: for tensors known by several names, every other name and its canonical key.
        splits: where the network's code cuts channels into parts.
        cut_outs: where it takes parts of them by number.
        links: groups that only go together.
        outputs: channels at the output of each module that computes something, by module path.
    """

    groups: tuple[ChannelGroup, ...]
    skipped: tuple[Skipped, ...]
    layers: tuple[LayerCost, ...]
    tensors: Mapping[str, tuple[int, ...]]
    aliases: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, ModuleChannels] = field(default_factory=dict)
    splits: tuple[Split, ...] = ()
    cut_outs: tuple[CutOut, ...] = ()
    links: tuple[Link, ...] = ()

    def module_channels(self, path: str) -> tuple[IntArray, IntArray]:
        """Group and channel of each position along the channel axis of a module's output.

        Args:
            path: module path, as in `named_modules()`.

        Returns:
            Two arrays of shape (width,): index into `groups`, and the channel within that group;
            both are -1 where the position cannot be removed.

        Raises:
            UserInputError: no operation was traced inside a module of this name.
        """
        found = self.outputs.get(path)
        if found is None:
            raise UserInputError(
                f"module '{path}' computes nothing in the traced network: name a module that does"
            )
        return found.group, found.channel

    @cached_property
    def group_index(self) -> Mapping[str, int]:
        """Position of each group in `groups`, by name."""
        return {group.name: i for i, group in enumerate(self.groups)}
