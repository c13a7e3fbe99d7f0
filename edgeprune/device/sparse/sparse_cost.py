"""What the sparse kernels take: the limits of an SM, and the best launch parameters among them.

The direct kernel works on CUDA cores: a warp walks the columns of a group of V output channels. For
every column a lane loads an activation for each of its pixels, and the column's offset and values,
and multiplies V times per pixel; in FP16 two rows at a time, with sums in FP16 that go to FP32
after 16 terms. A column is thus bound by shared-memory accesses (one a clock and SM), by the
multipliers, or by the instructions that four schedulers issue; the map's DRAM traffic bounds the
whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator

from edgeprune.device.boards import Board
from edgeprune.device.sparse import assumptions as assumed
from edgeprune.device.sparse.conv import ConvShape, MaskedConv
from edgeprune.device.sparse.launches import LAUNCHES, Launch
from edgeprune.device.sparse.precision import bytes_of

OFFSET_BYTES = 2


@dataclass(frozen=True)
class SparseTime:
    """Time of a sparse convolution at one launch.

    Attributes:
        issue_ms: of the instructions.
        fma_ms: of the multipliers, CUDA or tensor cores.
        shared_ms: of the accesses to shared memory.
        memory_ms: of the DRAM traffic.
        launch_ms: launch and tail.
        launch: the parameters.
    """

    issue_ms: float
    fma_ms: float
    shared_ms: float
    memory_ms: float
    launch_ms: float
    launch: Launch

    @property
    def total_ms(self) -> float:
        """All together; the limits overlap."""
        return self._limits()[0][0] + self.launch_ms

    @property
    def limit(self) -> str:
        """What the time goes to, in a user's words."""
        return self._limits()[0][1]

    def _limits(self) -> list[tuple[float, str]]:
        return sorted(
            [
                (self.issue_ms, "instruction issue"),
                (self.fma_ms, "multipliers"),
                (self.shared_ms, "shared memory"),
                (self.memory_ms, "memory"),
            ],
            reverse=True,
        )


def cuda_core_times(board: Board, layer: MaskedConv, precision: str) -> Iterator[SparseTime]:
    """The direct kernel at every launch that is compiled."""
    for launch in LAUNCHES:
        yield _cuda_core_time(board, layer, precision, launch)


def _cuda_core_time(board: Board, layer: MaskedConv, precision: str, launch: Launch) -> SparseTime:
    width, paired = bytes_of(precision), precision == "fp16"
    tiles = _tiles(layer.shape, launch)
    loads = math.ceil(launch.pixels_per_lane / 2) if paired else launch.pixels_per_lane
    multiplications = launch.vector * loads
    values = 1 + launch.vector * width / assumed.LOAD_BYTES
    flushes = multiplications * assumed.FLUSH_INSTRUCTIONS / assumed.FLUSH_TERMS if paired else 0.0
    rate = (board.fp16_fma_per_clock / 2 if paired else board.fp32_fma_per_clock) / assumed.WARP
    instructions = loads + multiplications + flushes + values + assumed.LOOP_INSTRUCTIONS
    spread = parallelism(board, tiles * _warps_of_outputs(layer.shape, launch))
    per_clock_ms = (
        layer.columns[launch.vector] * tiles
        / (launch.lane_split * board.clocks_per_ms * assumed.SPARSE_EFFICIENCY * spread)
    )  # fmt: skip
    return SparseTime(
        issue_ms=instructions / assumed.SCHEDULERS * per_clock_ms,
        fma_ms=multiplications / rate * per_clock_ms,
        shared_ms=(loads + values) * per_clock_ms,
        memory_ms=sparse_memory_ms(board, layer, precision, launch.vector),
        launch_ms=assumed.LAUNCH_MS,
        launch=launch,
    )


def sparse_memory_ms(board: Board, layer: MaskedConv, precision: str, vector: int) -> float:
    """Input and output once, and every column's offset and values."""
    width = bytes_of(precision)
    maps = width * (layer.shape.in_elements + layer.shape.out_elements)
    columns = layer.columns[vector] * (OFFSET_BYTES + width * vector)
    return (maps + columns) / (board.bytes_per_ms * assumed.DRAM_EFFICIENCY)


def parallelism(board: Board, warps: float) -> float:
    """Share of the SMs' throughput that so many warps can use."""
    enough = board.sm_count * assumed.WARPS_TO_HIDE_LATENCY
    return max(min(1.0, warps / enough), assumed.LEAST_PARALLELISM)


def _tiles(shape: ConvShape, launch: Launch) -> int:
    height, width = shape.out_size
    down = math.ceil(height / launch.pixels_per_lane)
    return shape.batch * down * math.ceil(width / launch.widest_tile)


def _warps_of_outputs(shape: ConvShape, launch: Launch) -> int:
    rows = math.ceil(shape.out_channels // shape.groups / launch.vector)
    return shape.groups * math.ceil(rows / launch.groups_per_warp)
