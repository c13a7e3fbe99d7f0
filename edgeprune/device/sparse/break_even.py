"""From which sparsity on a random mask makes a layer faster, by the cost model."""

from __future__ import annotations

from typing import Callable, Collection

from edgeprune.device.boards import Board
from edgeprune.device.sparse.choice import best_sparse_time, choose
from edgeprune.device.sparse.conv import ConvShape, MaskedConv, random_mask
from edgeprune.device.sparse.dense_cost import dense_time
from edgeprune.device.sparse.launches import COMPILED_KERNELS

_HALVINGS = 20
_DENSEST, _SPARSEST = 0.0, 0.999


def break_even(
    board: Board,
    shape: ConvShape,
    precision: str = "fp16",
    *,
    vector: int = 1,
    good: bool = True,
    kernels: Collection[str] = COMPILED_KERNELS,
) -> float | None:
    """The sparsity at which sparse and dense take equally long, copies and margin left aside.

    Args:
        vector: output channels that are masked together.
        good: against dense kernels at their good utilisation, or at their poor one.
        kernels: sparse kernels to choose among.

    Returns:
        The share of zeros; None where not even 99.9 % are enough.
    """
    dense_ms = dense_time(board, shape, precision, good=good).total_ms

    def wins(layer: MaskedConv) -> bool:
        sparse = best_sparse_time(board, layer, precision, kernels)
        return sparse is not None and sparse.total_ms < dense_ms

    return _first_win(shape, vector, wins)


def gate_sparsity(
    board: Board, shape: ConvShape, precision: str = "fp16", *, vector: int = 1
) -> float | None:
    """The sparsity from which on the first gate lets a layer through; None where never."""
    return _first_win(shape, vector, lambda layer: choose(board, layer, precision).goes_sparse)


def _first_win(shape: ConvShape, vector: int, wins: Callable[[MaskedConv], bool]) -> float | None:
    """Bisects: with fewer weights a sparse kernel never takes longer."""
    low, high = _DENSEST, _SPARSEST
    if not wins(random_mask("", shape, high, vector)):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if wins(random_mask("", shape, middle, vector)):
            high = middle
        else:
            low = middle
    return high
