"""The importance criteria, each a strategy that scores one channel group."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from edgeprune.data.randomness import keyed_seed
from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import AxisSlices, ChannelGroup

Quantity = Callable[[str, slice], Tensor]
Gradients = Mapping[str, Tensor]
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_CHUNK = 2**17  # elements; half a megabyte in float32


class Criterion(Protocol):
    """Scores the channels of a group."""

    def scores(self, group: ChannelGroup) -> FloatArray | None:
        """Shape (size,), larger is more important; None where nothing can be said."""


class _AxisSums:
    """Sums of an elementwise quantity over all axes of a tensor but one, each computed once.

    Biases are left out: a bias says where a channel's values lie, not how much they carry. So are
    buffers, which hold statistics.

    Args:
        tensors: by name.
        quantity: of the rows `start..stop` (along axis 0) of the named tensor.
        shares: what the sums of some tensors are multiplied by where they write a channel.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        quantity: Quantity,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        self._tensors = tensors
        self._quantity = quantity
        self._shares = shares or {}
        self._known: dict[tuple[str, int], FloatArray] = {}

    def per_channel(self, group: ChannelGroup, signed: bool = False) -> FloatArray:
        """Per channel the sum over its slices; with `signed`, of each slice's absolute sum."""
        total = np.zeros(group.size)
        for slices in group.slices:
            if self._counts(slices.tensor):
                sums = self._along(slices.tensor, slices.axis)[slices.index]
                if not slices.reads:
                    sums = sums * self._shares.get(slices.tensor, 1.0)
                part = np.bincount(slices.channel, weights=sums, minlength=group.size)
                total += np.abs(part) if signed else part
        return total

    def _counts(self, name: str) -> bool:
        is_bias = name.rpartition(".")[2] == "bias"
        return isinstance(self._tensors[name], nn.Parameter) and not is_bias

    def _along(self, name: str, axis: int) -> FloatArray:
        key = name, axis
        if key not in self._known:
            self._known[key] = self._sum(name, axis).double().cpu().numpy()
        return self._known[key]

    def _sum(self, name: str, axis: int) -> Tensor:
        # In chunks that stay in the cache: over a whole matrix, a sum along columns is 20x slower.
        tensor = self._tensors[name]
        rows = max(1, _CHUNK * tensor.shape[0] // max(tensor.numel(), 1))
        parts = (
            self._quantity(name, slice(start, start + rows))
            for start in range(0, tensor.shape[0], rows)
        )
        if axis == 0:
            return torch.cat([part.flatten(1).sum(1) if part.dim() > 1 else part for part in parts])
        total = functools.reduce(torch.add, (part.sum(0) for part in parts))
        others = [d - 1 for d in range(1, tensor.dim()) if d != axis]
        return total.sum(others) if others else total


def lookup_shares(model: nn.Module) -> dict[str, float]:
    """For each table, by name of its weight, how much of it a sample reads: one row of so many.

    A linear layer that reads the id as a one-hot vector is the same function. Its inputs have a
    mean square of 1 / rows each, where those of other layers have about 1: without that share a
    table of many rows would outvote all that reads it.
    """
    return {
        f"{path}.weight" if path else "weight": 1.0 / max(module.num_embeddings, 1)
        for path, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, nn.Embedding | nn.EmbeddingBag)
    }


class GroupNorm:
    """The L1 or L2 norm of all weights that a channel owns, those of tables by `lookup_shares`."""

    def __init__(self, model: nn.Module, tensors: Mapping[str, Tensor], order: int) -> None:
        def power(name: str, rows: slice) -> Tensor:
            weight = tensors[name].detach()[rows].float()
            return weight.abs() if order == 1 else weight.square()

        self._order = order
        self._sums = _AxisSums(tensors, power, lookup_shares(model))

    def scores(self, group: ChannelGroup) -> FloatArray:
        """The norm, per channel."""
        sums = self._sums.per_channel(group)
        return sums if self._order == 1 else np.sqrt(sums)


class FirstOrderTaylor:
    """|sum of weight * gradient| of each slice, added up: the loss change if it were zero.

    Args:
        gradients: one for each of several batches; their mean counts.
    """

    def __init__(self, tensors: Mapping[str, Tensor], gradients: Sequence[Gradients]) -> None:
        self._known = {
            name: torch.stack([batch[name] for batch in gradients]).mean(0) for name in gradients[0]
        }
        self._sums = _AxisSums(tensors, _contribution(tensors, self._known))

    def scores(self, group: ChannelGroup) -> FloatArray | None:
        """The estimated loss change, per channel; None where all of the group is frozen."""
        if not any(slices.tensor in self._known for slices in group.slices):
            return None
        return self._sums.per_channel(group, signed=True)


class Saliency:
    """The loss change to first order when nobody reads the channel any more.

    Silencing a channel zeroes the slices of its readers, so the change is the sum of weight times
    gradient over them (Molchanov et al., CVPR 2019, equation 6, at the gate of equation 7). Its
    magnitude is averaged over batches: the mean gradient of a trained network is near zero, and
    says nothing. Unlike a norm it is comparable across groups as it is.

    Args:
        gradients: one for each of several batches.
    """

    def __init__(self, tensors: Mapping[str, Tensor], gradients: Sequence[Gradients]) -> None:
        self._known = gradients[0].keys()
        self._batches = [_AxisSums(tensors, _contribution(tensors, one)) for one in gradients]

    def scores(self, group: ChannelGroup) -> FloatArray | None:
        """The estimated loss change, per channel; None where all of the group is frozen."""
        readers = tuple(slices for slices in group.slices if slices.reads) or group.slices
        if not any(slices.tensor in self._known for slices in readers):
            return None
        read = replace(group, slices=readers)
        changes: FloatArray = np.abs([sums.per_channel(read) for sums in self._batches]).mean(
            axis=0
        )
        return changes


def _contribution(tensors: Mapping[str, Tensor], gradients: Gradients) -> Quantity:
    def product(name: str, rows: slice) -> Tensor:
        weight = tensors[name].detach()[rows].float()
        gradient = gradients.get(name)
        # A frozen parameter has none and does not contribute.
        return weight * (0.0 if gradient is None else gradient[rows].to(weight.device).float())

    return product


class BatchNormScale:
    """Mean magnitude of the scales of the norms that a channel passes."""

    def __init__(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._scales = {
            id(module.weight) for module in model.modules() if isinstance(module, _NORMS)
        }

    def scores(self, group: ChannelGroup) -> FloatArray | None:
        """The mean over the group's norms; None without a norm."""
        found = [
            _spread(slices, self._tensors[slices.tensor].detach().abs(), group.size)
            for slices in group.slices
            if id(self._tensors[slices.tensor]) in self._scales
        ]
        return np.mean(found, axis=0) if found else None


class FilterMedian:
    """Sum of distances to the group's other filters: those near the median are replaceable."""

    def __init__(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._shares = lookup_shares(model)

    def scores(self, group: ChannelGroup) -> FloatArray | None:
        """The distances, over what the producers hold of each channel; None without a producer."""
        rows = [
            _rows(slices, self._tensors[slices.tensor], group.size)
            * self._shares.get(slices.tensor, 1.0) ** 0.5
            for slices in group.slices
            if slices.writes and isinstance(self._tensors[slices.tensor], nn.Parameter)
        ]
        if not rows:
            return None
        filters = torch.cat(rows, dim=1)
        distances: FloatArray = torch.cdist(filters, filters).sum(dim=1).cpu().numpy()
        return distances


class RandomOrder:
    """Uniform numbers keyed by the group's name."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def scores(self, group: ChannelGroup) -> FloatArray:
        """Draws from (0, 1]."""
        rng = np.random.default_rng(keyed_seed(self._seed, "importance", group.name))
        return 1.0 - rng.random(group.size)


def _rows(slices: AxisSlices, tensor: Tensor, size: int) -> Tensor:
    """What a tensor holds of each channel, shape (size, elements), float64."""
    order = np.argsort(slices.channel, kind="stable")
    positions = torch.from_numpy(slices.index[order]).to(tensor.device)
    taken = tensor.detach().movedim(slices.axis, 0).index_select(0, positions)
    return taken.reshape(size, -1).double()


def _spread(slices: AxisSlices, vector: Tensor, size: int) -> FloatArray:
    values = vector.double().cpu().numpy()[slices.index]
    owned = np.bincount(slices.channel, minlength=size)
    means: FloatArray = np.bincount(slices.channel, weights=values, minlength=size) / owned
    return means
