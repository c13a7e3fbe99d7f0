"""What the tensor-core kernel takes (K2): V = 32 output channels share their columns.

It multiplies with m16n8k16: 16 columns at a time, two halves of the 32 rows, 8 pixels of a row.
Rows are dense within a column; the activations of 16 columns are gathered from shared memory, for
all output rows of a tile at once, since their offsets have nothing to do with each other.
"""

from __future__ import annotations

import math
from typing import Iterator

from edgeprune.device.boards import Board
from edgeprune.device.sparse import assumptions as assumed
from edgeprune.device.sparse.conv import MaskedConv
from edgeprune.device.sparse.launches import TENSOR_KERNEL, TENSOR_ROWS, Launch
from edgeprune.device.sparse.sparse_cost import SparseTime, parallelism, sparse_memory_ms

VECTOR = 32
FIRST_SM = 80
_COLUMNS, _PIXELS, _ROWS = 16, 8, 16  # of one mma: k, n, m
_MMAS = VECTOR // _ROWS
_GATHERS = 4  # columns of a step that a lane loads
_PACKS = 2  # of two halves to a register, for every output row
# The rows' values: 32 x 16 halves, 16 bytes a lane each; four clocks of shared memory per load.
_VALUE_LOADS = VECTOR * _COLUMNS * 2 / (assumed.WARP * assumed.LOAD_BYTES)
_VALUE_CLOCKS = 4 * _VALUE_LOADS
# Addresses, the loop, and the offsets' load, in the code compiled for sm_87.
_OTHER_INSTRUCTIONS = 27


def tensor_core_times(board: Board, layer: MaskedConv, precision: str) -> Iterator[SparseTime]:
    """K2 at every launch that is compiled; nothing where the board or precision has no K2."""
    if int(board.sm) >= FIRST_SM and precision == "fp16":
        for rows in TENSOR_ROWS:
            yield _time(board, layer, precision, rows)


def _time(board: Board, layer: MaskedConv, precision: str, rows: int) -> SparseTime:
    height, width = layer.shape.out_size
    tiles_down = math.ceil(height / rows)
    warps_of_pixels = layer.shape.batch * tiles_down * math.ceil(width / _PIXELS)
    own_rows = height / tiles_down  # on average: those below the output are left out
    steps = layer.columns[VECTOR] / _COLUMNS * warps_of_pixels
    groups = layer.shape.out_channels / VECTOR
    per_clock_ms = steps / (
        board.clocks_per_ms * assumed.VMMA_EFFICIENCY * parallelism(board, warps_of_pixels * groups)
    )
    multiply = own_rows * _MMAS * _ROWS * _PIXELS * _COLUMNS / board.tensor_fma_per_clock
    word_bytes = 8 if rows <= 4 else 16
    gather_clocks = _GATHERS * word_bytes / 4 * assumed.GATHER_CONFLICTS
    issued = own_rows * (_MMAS + _PACKS) + _GATHERS + _VALUE_LOADS + _OTHER_INSTRUCTIONS
    return SparseTime(
        issue_ms=issued / assumed.SCHEDULERS * per_clock_ms,
        fma_ms=multiply * per_clock_ms,
        shared_ms=(gather_clocks + _VALUE_CLOCKS) * per_clock_ms,
        memory_ms=sparse_memory_ms(board, layer, precision, VECTOR),
        launch_ms=assumed.LAUNCH_MS,
        launch=Launch(TENSOR_KERNEL, VECTOR, groups_per_warp=1, pixels_per_lane=rows),
    )
