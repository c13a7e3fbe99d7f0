"""What the tensor-core kernel takes (K2): V = 32 output channels share their columns.

It multiplies with m16n8k16: 16 columns at a time, two halves of the 32 rows, 8 pixels. Rows are
dense within a column; the activations of 16 columns are gathered from shared memory, value by
value, since their offsets have nothing to do with each other.
"""

from __future__ import annotations

import math
from typing import Iterator

from edgeprune.device.boards import Board
from edgeprune.device.sparse import assumptions as assumed
from edgeprune.device.sparse.conv import MaskedConv
from edgeprune.device.sparse.launches import TENSOR_KERNEL, Launch
from edgeprune.device.sparse.sparse_cost import SparseTime, parallelism, sparse_memory_ms

VECTOR = 32
FIRST_SM = 80
_COLUMNS, _PIXELS, _ROWS = 16, 8, 16  # of one mma: k, n, m
_TILES = (1, 2, 4)  # groups of 8 pixels that a warp keeps
_MMAS = VECTOR // _ROWS
_GATHERS = _COLUMNS * _PIXELS / assumed.WARP  # 16-bit loads per lane
_PACKS = _GATHERS / 2  # two halves to a register
# The rows' values: 32 x 16 halves, 16 bytes a lane each; four clocks of shared memory per load.
_VALUE_LOADS = VECTOR * _COLUMNS * 2 / (assumed.WARP * assumed.LOAD_BYTES)
_VALUE_CLOCKS = 4 * _VALUE_LOADS


def tensor_core_times(board: Board, layer: MaskedConv, precision: str) -> Iterator[SparseTime]:
    """K2 with every number of pixels to a warp; nothing where the board or precision has no K2."""
    if int(board.sm) >= FIRST_SM and precision == "fp16":
        for tiles in _TILES:
            yield _time(board, layer, precision, tiles)


def _time(board: Board, layer: MaskedConv, precision: str, tiles: int) -> SparseTime:
    warps_of_pixels = layer.shape.batch * math.ceil(layer.shape.out_pixels / (_PIXELS * tiles))
    steps = layer.columns[VECTOR] / _COLUMNS * warps_of_pixels
    groups = layer.shape.out_channels / VECTOR
    per_clock_ms = steps / (
        board.clocks_per_ms * assumed.VMMA_EFFICIENCY * parallelism(board, warps_of_pixels * groups)
    )
    multiply = tiles * _MMAS * _ROWS * _PIXELS * _COLUMNS / board.tensor_fma_per_clock
    issued = tiles * (_MMAS + _GATHERS + _PACKS) + _VALUE_LOADS + 2
    return SparseTime(
        issue_ms=issued / assumed.SCHEDULERS * per_clock_ms,
        fma_ms=multiply * per_clock_ms,
        shared_ms=(tiles * _GATHERS + _VALUE_CLOCKS) * per_clock_ms,
        memory_ms=sparse_memory_ms(board, layer, precision, VECTOR),
        launch_ms=assumed.LAUNCH_MS,
        launch=Launch(TENSOR_KERNEL, VECTOR, groups_per_warp=1, pixels_per_lane=tiles),
    )
