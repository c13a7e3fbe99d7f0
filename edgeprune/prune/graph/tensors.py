"""The parameters and buffers of a model, each once, and the labels of their positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
from torch import nn

from edgeprune.prune.graph.types import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class TensorTable:
    """Numbers every position along every axis of size > 1 of every tensor.

    A *slot* is one such (tensor, axis). Its labels are `start[slot] .. start[slot + 1] - 1`.

    Attributes:
        shapes: shape of every tensor by canonical key, in `state_dict` order.
        aliases: every further name of a shared tensor, and its canonical key.
        parameters: the keys that are parameters, as against buffers.
        slots: (key, axis) of each slot, in the order of their labels.
        start: first label of each slot, shape (slots + 1,); the last entry is the label count.
    """

    shapes: Mapping[str, tuple[int, ...]]
    aliases: Mapping[str, str]
    parameters: frozenset[str]
    slots: tuple[tuple[str, int], ...]
    start: IntArray

    @property
    def size(self) -> int:
        """Number of labels."""
        return int(self.start[-1])

    def slot_labels(self, slot: int) -> IntArray:
        """Labels of one slot, ascending with the position along the axis."""
        return np.arange(self.start[slot], self.start[slot + 1], dtype=np.int64)

    def vectors(self) -> dict[str, dict[int, IntArray]]:
        """Labels of every tensor, by key and axis; axes of size 1 are left out."""
        found: dict[str, dict[int, IntArray]] = {key: {} for key in self.shapes}
        for slot, (key, axis) in enumerate(self.slots):
            found[key][axis] = self.slot_labels(slot)
        return found

    def slot_of(self, labels: IntArray) -> IntArray:
        """Slot of each label."""
        return np.searchsorted(self.start, labels, side="right").astype(np.int64) - 1

    def in_parameters(self) -> BoolArray:
        """For each label, whether it lies in a parameter."""
        slots = np.array([key in self.parameters for key, _ in self.slots], dtype=np.bool_)
        return np.repeat(slots, np.diff(self.start))


def tensor_table(model: nn.Module) -> TensorTable:
    """List all parameters and buffers; a shared one goes by its first name in the `state_dict`."""
    order = {name: i for i, name in enumerate(model.state_dict())}
    named = chain(
        model.named_parameters(remove_duplicate=False),
        model.named_buffers(remove_duplicate=False),
    )
    tensors = sorted(named, key=lambda item: order.get(item[0], len(order)))
    first: dict[int, str] = {}
    aliases: dict[str, str] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, tensor in tensors:
        key = first.setdefault(id(tensor), name)
        if key == name:
            shapes[name] = tuple(tensor.shape)
        else:
            aliases[name] = key
    slots = tuple((k, d) for k, shape in shapes.items() for d, n in enumerate(shape) if n > 1)
    widths = [shapes[key][axis] for key, axis in slots]
    start = np.concatenate([[0], np.cumsum(widths, dtype=np.int64)]).astype(np.int64)
    parameters = frozenset(name for name, _ in model.named_parameters())
    return TensorTable(shapes, aliases, parameters & shapes.keys(), slots, start)


def layer_of(key: str) -> str:
    """The layer a user would name for a tensor: its module for a `weight`, else the key itself."""
    owner, _, leaf = key.rpartition(".")
    return owner if leaf == "weight" and owner else key
