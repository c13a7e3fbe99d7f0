"""Parameters and MACs of a network from the number of channels removed from each group.

Every axis of every tensor is its width minus what the groups on it lose, so both costs are sums of
products of linear functions of the counts: exact, and cheap enough to be asked thousands of times.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from edgeprune.prune.graph.types import ChannelGraph, IntArray
from edgeprune.prune.removal import Removal

FloatArray = NDArray[np.float64]
_NORM_STATISTICS = frozenset({"running_mean", "running_var", "num_batches_tracked"})


class CostModel:
    """Costs of the network of a graph after a removal.

    Args:
        graph: its tensors and the positions of its layers.
        parameters: keys that are parameters and count as size. Without it every tensor does,
            except running statistics of norms; with the model at hand use `of`.

    All costs are exact up to 2**53; they are computed in float64, which holds such integers.
    """

    def __init__(self, graph: ChannelGraph, parameters: Collection[str] | None = None) -> None:
        names = [
            name
            for name in graph.tensors
            if (name in parameters if parameters is not None else not _is_statistic(name))
        ]
        counted = dict.fromkeys(names, 1.0)
        positions = dict.fromkeys(names, 0.0)
        for layer in graph.layers:
            counted.setdefault(layer.weight, 0.0)
            positions[layer.weight] = positions.get(layer.weight, 0.0) + layer.positions
        self._names = list(counted)
        self._weights = np.array([[counted[n], positions[n]] for n in self._names])
        self._set_axes(graph)

    @classmethod
    def of(cls, model: nn.Module, graph: ChannelGraph) -> CostModel:
        """The cost model that counts exactly the model's parameters."""
        own = {name for name, _ in model.named_parameters(remove_duplicate=False)}
        return cls(graph, {graph.aliases.get(name, name) for name in own})

    @property
    def groups(self) -> int:
        """Number of channel groups."""
        return int(self._loss.shape[0])

    def params(self, removed: Removal | ArrayLike | None = None) -> int:
        """Parameters left when `removed` channels go (a removal, or counts per group)."""
        return int(self.params_and_macs(self._counts(removed))[0, 0])

    def macs(self, removed: Removal | ArrayLike | None = None) -> int:
        """Multiply-accumulates of one forward at the traced inputs when `removed` channels go."""
        return int(self.params_and_macs(self._counts(removed))[0, 1])

    def params_and_macs(self, counts: IntArray) -> FloatArray:
        """Both costs of many removals at once.

        Args:
            counts: channels removed, shape (removals, groups).

        Returns:
            Shape (removals, 2): parameters and MACs, integers in float64.
        """
        lengths = self._width - counts.astype(np.float64) @ self._loss
        elements = np.multiply.reduceat(lengths, self._first_axis, axis=1)
        costs: FloatArray = elements @ self._weights
        return costs

    def _set_axes(self, graph: ChannelGraph) -> None:
        """One row per tensor for what never changes, then one per axis that channels live on."""
        losses: dict[tuple[str, int], FloatArray] = {}
        for number, group in enumerate(graph.groups):
            for slices in group.slices:
                axis = losses.setdefault((slices.tensor, slices.axis), np.zeros(len(graph.groups)))
                axis[number] += len(slices.index) / group.size
        by_tensor: dict[str, list[int]] = {name: [] for name in self._names}
        for tensor, axis_number in losses:
            if tensor in by_tensor:
                by_tensor[tensor].append(axis_number)
        widths: list[float] = []
        rows: list[FloatArray] = []
        first: list[int] = []
        for name, axes in by_tensor.items():
            shape = graph.tensors[name]
            first.append(len(widths))
            widths.append(float(np.prod([n for a, n in enumerate(shape) if a not in axes])))
            rows.append(np.zeros(len(graph.groups)))
            widths += [float(shape[axis]) for axis in axes]
            rows += [losses[name, axis] for axis in axes]
        self._width = np.array(widths)
        self._loss = np.array(rows).reshape(len(rows), len(graph.groups)).T
        self._first_axis = np.array(first, dtype=np.intp)

    def _counts(self, removed: Removal | ArrayLike | None) -> IntArray:
        if isinstance(removed, Removal):
            return removed.counts[None, :]
        if removed is None:
            return np.zeros((1, self.groups), dtype=np.int64)
        return np.atleast_2d(np.asarray(removed, dtype=np.int64))


def _is_statistic(name: str) -> bool:
    return name.rpartition(".")[2] in _NORM_STATISTICS
