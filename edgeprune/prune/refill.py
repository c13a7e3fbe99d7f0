"""From a weight ticket to a channel ticket: which channels kept the most weights.

Chen et al., "Coarsening the Granularity: Towards Structurally Sparse Lottery Tickets" (ICML 2022):
the channels with the most surviving weights are given all of their weights back, the others go.
Here a channel is that of a whole group, with its slices in every layer that writes or reads it, so
that residual streams get narrower as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from edgeprune.prune.cost import FloatArray
from edgeprune.prune.graph.types import ChannelGraph, ChannelGroup
from edgeprune.prune.importance import with_mean_one


def score_survivors(keep: Mapping[str, Tensor], graph: ChannelGraph) -> list[FloatArray]:
    """Scores for `choose_removal`: densities over the mean of their group, as all criteria have it.

    Bare densities would empty the last stage, where a global search leaves the fewest weights of
    the most, down to its floor, and nothing else.

    Args:
        keep: see `channel_densities`.
        graph: of the masked network.
    """
    return [score for one in channel_densities(keep, graph) for score in with_mean_one([one])]


def channel_densities(keep: Mapping[str, Tensor], graph: ChannelGraph) -> list[FloatArray]:
    """Share of each channel's weights that a mask leaves.

    Args:
        keep: by parameter name, bool tensors; True is left. Parameters without one do not count.
        graph: of the masked network.

    Returns:
        Per group an array of shape (size,), in [0, 1]; NaN where no mask says anything.
    """
    return [_densities(keep, group) for group in graph.groups]


def _densities(keep: Mapping[str, Tensor], group: ChannelGroup) -> FloatArray:
    left, owned = np.zeros(group.size), np.zeros(group.size)
    for slices in group.slices:
        mask = keep.get(slices.tensor)
        if mask is None:
            continue
        along = mask.movedim(slices.axis, 0).flatten(1)
        count = along.sum(1, dtype=torch.float64).cpu().numpy()[slices.index]
        left += np.bincount(slices.channel, weights=count, minlength=group.size)
        owned += np.bincount(slices.channel, minlength=group.size) * along.shape[1]
    densities: FloatArray = np.full(group.size, np.nan)
    np.divide(left, owned, out=densities, where=owned > 0)
    return densities
