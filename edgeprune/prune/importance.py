"""How much each channel matters: one number per channel, comparable across groups.

A channel owns a slice of every tensor of its group: output slices of its producers, its entries of
the norms, input slices of its consumers. A criterion adds up over all of them (group importance:
Fang et al., "DepGraph", CVPR 2023); division by the group's mean makes groups comparable. Of a
table a sample reads one row, so that it counts with the mean over its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.prune.cost import FloatArray
from edgeprune.prune.criteria import (
    BatchNormScale,
    Criterion,
    FilterMedian,
    FirstOrderTaylor,
    GroupNorm,
    RandomOrder,
    Saliency,
)
from edgeprune.prune.graph.types import ChannelGraph, ChannelGroup
from edgeprune.prune.tensor_slots import named_tensors

ImportanceKind = Literal["l2", "l1", "bn", "taylor", "saliency", "fpgm", "random"]
IMPORTANCE_KINDS: tuple[ImportanceKind, ...] = get_args(ImportanceKind)
NEED_GRADIENTS = frozenset({"taylor", "saliency"})


def score_channels(
    model: nn.Module,
    graph: ChannelGraph,
    kind: str = "l2",
    *,
    seed: int = 0,
    gradients: Sequence[Mapping[str, Tensor]] | None = None,
) -> list[FloatArray]:
    """Importance of every channel of every group.

    Args:
        model: the network of `graph`; nothing is changed.
        kind: `l2` or `l1` norm of the channel's slices; `bn`, the magnitude of its norm scales
            (Liu et al., ICCV 2017); `taylor`, the loss change to first order (Molchanov et al.,
            CVPR 2019); `fpgm`, the distance to the other filters (He et al., CVPR 2019); `random`;
            `saliency`, the loss change when nobody reads the channel any more.
        seed: for `random`; groups draw independently of each other.
        gradients: for `taylor` and `saliency`: gradients of the loss by parameter name, of one or
            more batches; default: the `.grad` of the parameters.

    Returns:
        Per group an array of shape (size,), non-negative with mean 1 (all zero for a group of
        zeros); for `saliency` with mean 1 over the whole network. NaN where the criterion says
        nothing about a group: such a group is not pruned.

    Raises:
        UserInputError: an unknown kind, missing gradients, or weights that are not finite.
    """
    criterion = _criterion(model, kind, seed, gradients)
    scores = [_checked(group, criterion.scores(group)) for group in graph.groups]
    if kind == "saliency":
        return with_mean_one(scores)
    return [score for one in scores for score in with_mean_one([one])]


def _criterion(
    model: nn.Module, kind: str, seed: int, gradients: Sequence[Mapping[str, Tensor]] | None
) -> Criterion:
    tensors = named_tensors(model)
    if kind == "l2":
        return GroupNorm(model, tensors, order=2)
    if kind == "l1":
        return GroupNorm(model, tensors, order=1)
    if kind == "bn":
        return BatchNormScale(model, tensors)
    if kind in NEED_GRADIENTS:
        known = gradients or [
            {n: t.grad.to_dense() for n, t in tensors.items() if t.grad is not None}
        ]
        if not known[0]:
            raise UserInputError(
                f"importance '{kind}' needs gradients: run backward before pruning, or use 'l2'"
            )
        return FirstOrderTaylor(tensors, known) if kind == "taylor" else Saliency(tensors, known)
    if kind == "fpgm":
        return FilterMedian(model, tensors)
    if kind == "random":
        return RandomOrder(seed)
    raise UserInputError(f"unknown importance '{kind}': use one of {', '.join(IMPORTANCE_KINDS)}")


def _checked(group: ChannelGroup, scores: FloatArray | None) -> FloatArray:
    if scores is None:
        return np.full(group.size, np.nan)
    if not np.isfinite(scores.mean()):
        raise UserInputError(
            f"the weights of channel group '{group.name}' are not finite: "
            "train or load the network again before pruning it"
        )
    return scores


def with_mean_one(scores: list[FloatArray]) -> list[FloatArray]:
    """Divide by the mean over all arrays; unscored groups and groups of zeros stay as they are."""
    known = np.concatenate([score[np.isfinite(score)] for score in scores])
    mean = float(known.mean()) if known.size else 0.0
    return [score / mean if mean > 0 else score for score in scores]
