"""Columns: V output channels' weights at one input channel and kernel position, held as one.

What a sparse kernel stores is a column (`edgeprune.device.sparse`): one index for V weights, one
load of an activation for V multiplications. A mask that leaves whole columns wastes nothing there.

The kernel for tensor cores (V of 32) multiplies 16 columns of a group of V at once, or 8 at the end
of its list, and fills up what is missing with zeros. So there the columns of a group go in eights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgeprune.device.sparse.blocks import TENSOR_HALF_STEP, TENSOR_VECTOR

_CONVOLUTION = 4  # dimensions of the weights that the kernels take


@dataclass(frozen=True)
class Columns:
    """Which column each weight of a parameter belongs to.

    Attributes:
        number: int64, the parameter's shape.
        sizes: weights of each column; fewer than V where the output channels end.
        of_list: columns of one group of V output channels; they follow one another.
        together: columns of a list that are kept or dropped at once.
    """

    number: Tensor
    sizes: Tensor
    of_list: int
    together: int

    def mean_squares(self, weight: Tensor) -> Tensor:
        """Of each column's weights, so that a short column is judged like a whole one."""
        flat = weight.detach().float().cpu().square().flatten()
        sums = torch.zeros(len(self.sizes)).index_add_(0, self.number.flatten(), flat)
        return sums / self.sizes

    def spread(self, chosen: Tensor) -> Tensor:
        """The weights of the chosen columns; bool, the parameter's shape."""
        return chosen[self.number]

    def bundles(self, ranks: Tensor) -> Tensor:
        """Which columns go together: those of a list that follow one another in falling order.

        Args:
            ranks: of the columns.

        Returns:
            int64, by column. The last bundle of a list, of the lowest columns, may be smaller.
        """
        order = ranks.view(-1, self.of_list).argsort(dim=1, descending=True, stable=True)
        places = torch.empty_like(order).scatter_(
            1, order, torch.arange(self.of_list).expand_as(order).contiguous()
        )
        of_list = -(-self.of_list // self.together)
        lists = torch.arange(len(order))[:, None]
        return (lists * of_list + places // self.together).flatten()


def columns_of(weight: Tensor, vector: int, conv_groups: int = 1) -> Columns:
    """The columns of a weight of shape (O, ...).

    Args:
        vector: V; consecutive output channels, never across two groups of a convolution, as the
            packer groups them.
        conv_groups: groups of the convolution.
    """
    outputs, rest = weight.shape[0], weight[0].numel()
    each = outputs // conv_groups
    channel = torch.arange(outputs)
    per_group = -(-each // vector)
    row = channel // each * per_group + channel % each // vector
    number = (row[:, None] * rest + torch.arange(rest)).reshape(weight.shape)
    theirs = vector == TENSOR_VECTOR and each >= vector and weight.dim() == _CONVOLUTION
    together = TENSOR_HALF_STEP if theirs else 1
    return Columns(number, torch.bincount(number.flatten()), rest, together)


def conv_groups_of(model: nn.Module) -> dict[str, int]:
    """Groups of every convolution, by the name of its weight."""
    return {
        f"{name}.weight" if name else "weight": module.groups
        for name, module in model.named_modules()
        if isinstance(module, nn.modules.conv._ConvNd)
    }


def lowest_columns(
    ranks: Sequence[Tensor], columns: Sequence[Columns], weights: int
) -> list[Tensor]:
    """The lowest bundles of columns that hold `weights` weights at most, over all parameters.

    Args:
        ranks: of the columns of each parameter; a bundle's is their mean. What is infinite stays.
        columns: of each parameter.

    Returns:
        bool, one per column, for each parameter.
    """
    bundles = [own.bundles(rank) for rank, own in zip(ranks, columns, strict=True)]
    counts = [int(own.max()) + 1 for own in bundles]
    means = torch.cat(
        [_sums(rank, own) / torch.bincount(own) for rank, own in zip(ranks, bundles, strict=True)]
    )
    sizes = torch.cat(
        [_sums(own.sizes, bundle) for own, bundle in zip(columns, bundles, strict=True)]
    )
    order = torch.argsort(means, stable=True)
    chosen = torch.zeros(len(means), dtype=torch.bool)
    chosen[order[torch.cumsum(sizes[order], 0) <= weights]] = True
    chosen &= ~torch.isinf(means)
    parts = torch.split(chosen, counts)
    return [part[own] for part, own in zip(parts, bundles, strict=True)]


def _sums(values: Tensor, bundles: Tensor) -> Tensor:
    sums = torch.zeros(int(bundles.max()) + 1, dtype=values.dtype)
    return sums.index_add_(0, bundles, values)
