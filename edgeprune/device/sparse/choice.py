"""The first gate: a layer goes sparse only where the model sees it win, layouts included."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Callable, Collection, Iterator, Sequence

from edgeprune.device.boards import Board
from edgeprune.device.sparse.assumptions import MARGIN
from edgeprune.device.sparse.conv import MaskedConv
from edgeprune.device.sparse.dense_cost import DenseTime, dense_time
from edgeprune.device.sparse.formats import (
    Neighbours,
    dense_neighbours,
    reformat_ms,
    sparse_formats,
)
from edgeprune.device.sparse.launches import COMPILED_KERNELS, CUDA_KERNEL, TENSOR_KERNEL
from edgeprune.device.sparse.precision import bytes_of
from edgeprune.device.sparse.sparse_cost import SparseTime, cuda_core_times
from edgeprune.device.sparse.vmma_cost import tensor_core_times

_Times = Callable[[Board, MaskedConv, str], Iterator[SparseTime]]
_TIMES: dict[str, _Times] = {CUDA_KERNEL: cuda_core_times, TENSOR_KERNEL: tensor_core_times}


@dataclass(frozen=True)
class Choice:
    """Dense or sparse, for one layer on one board; a model, not a measurement.

    Attributes:
        layer: its name.
        sparsity: share of its weights that are zero.
        dense: predicted time in dense TensorRT.
        sparse: of the fastest sparse launch; None where no sparse kernel has this precision.
        reformat_ms: of copies into the sparse kernel's layout and back.
        goes_sparse: what follows.
        reason: why, in a user's words.
    """

    layer: str
    sparsity: float
    dense: DenseTime
    sparse: SparseTime | None
    reformat_ms: float
    goes_sparse: bool
    reason: str

    @property
    def sparse_ms(self) -> float | None:
        """Of the sparse layer with its copies."""
        return None if self.sparse is None else self.sparse.total_ms + self.reformat_ms

    @property
    def chosen_ms(self) -> float:
        """Of what is chosen."""
        if self.goes_sparse and self.sparse_ms is not None:
            return self.sparse_ms
        return self.dense.total_ms

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON, the sums among the terms."""
        found = asdict(self)
        found["dense"]["total_ms"] = self.dense.total_ms
        if self.sparse is not None:
            found["sparse"]["total_ms"] = self.sparse.total_ms
        return {**found, "chosen_ms": self.chosen_ms}


def best_sparse_time(
    board: Board,
    layer: MaskedConv,
    precision: str,
    kernels: Collection[str] = COMPILED_KERNELS,
) -> SparseTime | None:
    """The fastest launch of these kernels; None where none of them has this precision."""
    bytes_of(precision)
    if precision == "int8":
        return None
    times = [time for name in kernels for time in _TIMES[name](board, layer, precision)]
    return min(times, key=lambda time: time.total_ms, default=None)


def choose(
    board: Board,
    layer: MaskedConv,
    precision: str = "fp16",
    *,
    neighbours: Neighbours | None = None,
    formats: tuple[str, ...] | None = None,
    kernels: Collection[str] = COMPILED_KERNELS,
) -> Choice:
    """Gate 1: sparse where `sparse + reformat < 0.9 dense`.

    Args:
        precision: `fp32`, `fp16` or `int8`; INT8 never goes sparse.
        neighbours: layouts around the layer; default: dense layers on both sides.
        formats: layouts that the sparse kernel has; default: those that are compiled.
        kernels: sparse kernels to choose among.

    Raises:
        DeviceError: an unknown precision. `exit_code` 2.
    """
    dense = dense_time(board, layer.shape, precision)
    sparse = best_sparse_time(board, layer, precision, kernels)
    around = neighbours or dense_neighbours(board, precision)
    own = sparse_formats(precision) if formats is None else formats
    copies = reformat_ms(board, layer.shape, precision, around, own)
    wins = sparse is not None and sparse.total_ms + copies < MARGIN * dense.total_ms
    reason = _reason(layer, dense, sparse, copies, wins)
    return Choice(layer.name, layer.sparsity, dense, sparse, copies, wins, reason)


def choose_for_all(
    boards: Sequence[Board], layer: MaskedConv, precision: str = "fp16"
) -> tuple[Choice, Board]:
    """The choice that holds on every one of several boards: sparse only where it wins on all.

    Returns:
        The choice on the board where sparse does worst, and that board.
    """
    choices = [(choose(board, layer, precision), board) for board in boards]
    return max(choices, key=lambda pair: _ratio(pair[0]))


def _ratio(choice: Choice) -> float:
    sparse_ms = choice.sparse_ms
    return float("inf") if sparse_ms is None else sparse_ms / choice.dense.total_ms


def _reason(
    layer: MaskedConv, dense: DenseTime, sparse: SparseTime | None, copies: float, wins: bool
) -> str:
    if sparse is None:
        return "INT8 runs dense: its multipliers outrun any sparse kernel"
    if layer.kept == layer.shape.weights:
        return "no weight is zero"
    total, limit_ms = sparse.total_ms + copies, MARGIN * dense.total_ms
    if wins:
        return (
            f"{sparse.launch.kernel} with V={sparse.launch.vector} takes "
            f"{total / dense.total_ms:.0%} of dense; bound by {sparse.limit}"
        )
    if sparse.total_ms < limit_ms:
        return f"the layouts' copies ({copies:.3f} ms) cost more than sparse saves"
    if total < dense.total_ms:
        return f"sparse saves {1 - total / dense.total_ms:.0%}, within the model's error"
    return (
        f"sparse takes {total / dense.total_ms:.1f} x as long; bound by {sparse.limit}, "
        f"dense by {dense.limit}"
    )
