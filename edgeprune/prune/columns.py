"""Columns: V output channels' weights at one input channel and kernel position, held as one.

What a sparse kernel stores is a column (`edgeprune.device.sparse`): one index for V weights, one
load of an activation for V multiplications. A mask that leaves whole columns wastes nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Columns:
    """Which column each weight of a parameter belongs to.

    Attributes:
        number: int64, the parameter's shape.
        sizes: weights of each column; fewer than V where the output channels end.
    """

    number: Tensor
    sizes: Tensor

    def mean_squares(self, weight: Tensor) -> Tensor:
        """Of each column's weights, so that a short column is judged like a whole one."""
        flat = weight.detach().float().cpu().square().flatten()
        sums = torch.zeros(len(self.sizes)).index_add_(0, self.number.flatten(), flat)
        return sums / self.sizes

    def spread(self, chosen: Tensor) -> Tensor:
        """The weights of the chosen columns; bool, the parameter's shape."""
        return chosen[self.number]


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
    return Columns(number, torch.bincount(number.flatten()))


def conv_groups_of(model: nn.Module) -> dict[str, int]:
    """Groups of every convolution, by the name of its weight."""
    return {
        f"{name}.weight" if name else "weight": module.groups
        for name, module in model.named_modules()
        if isinstance(module, nn.modules.conv._ConvNd)
    }


def lowest_columns(ranks: Tensor, sizes: Tensor, weights: int) -> Tensor:
    """The lowest columns that hold `weights` weights at most; bool, one per column."""
    order = torch.argsort(ranks, stable=True)
    taken = torch.cumsum(sizes[order], 0) <= weights
    chosen = torch.zeros(len(ranks), dtype=torch.bool)
    chosen[order[taken]] = True
    return chosen
