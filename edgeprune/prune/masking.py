"""Masking as a proof needs it: nobody reads the channels that are to go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from edgeprune.prune.graph.types import ChannelGraph, ChannelGroup, IntArray
from edgeprune.prune.removal import Removal, removed_positions
from edgeprune.prune.tensor_slots import named_tensors


@contextmanager
def masked(model: nn.Module, graph: ChannelGraph, removal: Removal) -> Iterator[None]:
    """Zero the slices that read the channels of `removal`; afterwards the weights are back.

    Whatever a channel then carries, its readers multiply it by zero: that is the function the
    network must have without it. Channels that no weight reads (both sides of an attention
    product) are zeroed where they arise instead.
    """
    tensors = named_tensors(model)
    hidden: list[tuple[Tensor, int, Tensor, Tensor]] = []
    try:
        with torch.no_grad():
            for name, axis, positions in _muted(tensors, graph, removal):
                tensor = tensors[name]
                index = torch.from_numpy(positions).to(tensor.device)
                hidden.append((tensor, axis, index, tensor.index_select(axis, index)))
                tensor.index_fill_(axis, index, 0.0)
        yield
    finally:
        with torch.no_grad():
            # Corners that two cuts share come back with the first, which saw them whole.
            for tensor, axis, index, values in reversed(hidden):
                tensor.index_copy_(axis, index, values)


def _muted(
    tensors: dict[str, Tensor], graph: ChannelGraph, removal: Removal
) -> list[tuple[str, int, IntArray]]:
    found: dict[tuple[str, int], list[IntArray]] = {}
    for number in removal.touched():
        for name, axis, positions in _silencing(
            tensors, graph.groups[number], removal.channels[number]
        ):
            found.setdefault((name, axis), []).append(positions)
    return [(*key, np.unique(np.concatenate(parts))) for key, parts in found.items()]


def _silencing(
    tensors: dict[str, Tensor], group: ChannelGroup, channels: IntArray
) -> list[tuple[str, int, IntArray]]:
    readers = [slices for slices in group.slices if slices.reads and not group.unread]
    owned = [s for s in group.slices if isinstance(tensors[s.tensor], nn.Parameter)]
    return [
        (s.tensor, s.axis, removed_positions(s, group.size, channels)) for s in readers or owned
    ]
