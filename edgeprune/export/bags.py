"""Bags of embeddings as plain operations: the exporter makes a loop over the samples of them."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from edgeprune.errors import UnsupportedError


@contextlib.contextmanager
def plain_bags() -> Iterator[None]:
    """`F.embedding_bag`, and with it `nn.EmbeddingBag`, as a lookup, a mask and a reduction."""
    before = F.embedding_bag
    parameters = inspect.signature(before)

    def plain(*arguments: Any, **named: Any) -> Tensor:
        given = parameters.bind(*arguments, **named)
        given.apply_defaults()
        return _plain_bag(**given.arguments)

    F.embedding_bag = plain
    try:
        yield
    finally:
        F.embedding_bag = before


def _plain_bag(
    *,
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    max_norm: float | None,
    mode: str,
    per_sample_weights: Tensor | None,
    padding_idx: int | None,
    **_of_training: Any,
) -> Tensor:
    """The bag of ids (N, G) as torch computes it in evaluation, for padded rows of equal length.

    Raises:
        UnsupportedError: bags with offsets, whose lengths no static graph knows, or max_norm.
    """
    if offsets is not None or input.dim() != 2:
        raise UnsupportedError(
            "an EmbeddingBag with offsets cannot be exported: give it ids of shape (N, G), filled "
            "up with padding_idx"
        )
    if max_norm is not None:
        raise UnsupportedError(
            "an EmbeddingBag with max_norm cannot be exported: rescale its weight once and build "
            "it without"
        )
    keep = None if padding_idx is None else input != padding_idx % weight.shape[0]
    if mode == "max":
        return _largest(input, weight, keep)
    rows = F.embedding(input, weight)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    if keep is None:
        return rows.mean(1) if mode == "mean" else rows.sum(1)
    counted = keep.to(rows.dtype).unsqueeze(-1)
    total = (rows * counted).sum(1)
    return total / counted.sum(1).clamp(min=1.0) if mode == "mean" else total


def _largest(ids: Tensor, weight: Tensor, keep: Tensor | None) -> Tensor:
    """Padding is read as another id of the same bag, which changes no maximum."""
    if keep is None:
        return F.embedding(ids, weight).amax(1)
    counted = keep.to(ids.dtype)
    other = (ids * counted).amax(1, keepdim=True)
    rows = F.embedding(ids * counted + other * (1 - counted), weight)
    return rows.amax(1).mul(keep.to(rows.dtype).amax(1, keepdim=True))
