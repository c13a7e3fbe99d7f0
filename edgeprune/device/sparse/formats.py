"""What it costs that two neighbours want the same tensor in two layouts."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.device.boards import Board
from edgeprune.device.sparse.assumptions import DRAM_EFFICIENCY, LAUNCH_MS
from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.precision import bytes_of

LINEAR, HWC8, HW2 = "kLINEAR", "kHWC8", "kCHW2"


@dataclass(frozen=True)
class Neighbours:
    """Layouts that a layer finds around it.

    Attributes:
        before: of its input, as the layer before writes it.
        after: of its output, as the layer after reads it.
    """

    before: str
    after: str


def dense_format(board: Board, precision: str) -> str:
    """What TensorRT's dense convolutions of this precision work in."""
    if precision != "fp16":
        return LINEAR
    return HWC8 if board.tensor_fma_per_clock else HW2


def sparse_formats(precision: str) -> tuple[str, ...]:
    """What the sparse kernel is compiled for (`cuda/plan/instantiations.h`)."""
    return (LINEAR, HWC8) if precision == "fp16" else (LINEAR,)


def dense_neighbours(board: Board, precision: str) -> Neighbours:
    """Dense layers on both sides: the worst case, and what a first sparse layer meets."""
    found = dense_format(board, precision)
    return Neighbours(found, found)


def reformat_ms(
    board: Board, shape: ConvShape, precision: str, neighbours: Neighbours, own: tuple[str, ...]
) -> float:
    """Time of the copies that TensorRT puts before and after the layer.

    Args:
        own: layouts that the layer itself can read and write.
    """
    counts = (
        (neighbours.before, shape.in_elements),
        (neighbours.after, shape.out_elements),
    )
    return sum(_copy_ms(board, n, precision) for layout, n in counts if layout not in own)


def _copy_ms(board: Board, elements: int, precision: str) -> float:
    traffic = 2 * elements * bytes_of(precision)
    return traffic / (board.bytes_per_ms * DRAM_EFFICIENCY) + LAUNCH_MS
