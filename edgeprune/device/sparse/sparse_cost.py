"""What the sparse kernels take: the limits of an SM, and the best launch parameters among them.

K1 works on CUDA cores: lanes are pixels, a warp walks the columns of a group of V output channels.
For every column it loads PPT activations per lane and the column's offset and values, and
multiplies V * PPT times. A column is thus bound by shared-memory accesses (one a clock and SM), by
the multipliers, or by the instructions that four schedulers issue; the map's DRAM traffic bounds
the whole. With a lane split of LS, LS lanes share the columns of a pixel, for small maps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Iterator, Sequence

from edgeprune.device.boards import Board
from edgeprune.device.sparse import assumptions as assumed
from edgeprune.device.sparse.conv import MaskedConv
from edgeprune.device.sparse.precision import bytes_of

K1_VECTORS = (1, 2, 4, 8)
PIXELS_PER_LANE = (1, 2, 4, 8)
LANE_SPLITS = (1, 2, 4)
OFFSET_BYTES = 2
CUDA_KERNEL = "sparse_conv_direct"


@dataclass(frozen=True)
class Launch:
    """How a sparse kernel is launched.

    Attributes:
        kernel: its name.
        vector: V, output channels that share a column.
        pixels_per_lane: PPT, register tile along the pixels.
        lane_split: LS, lanes that share the columns of a pixel.
    """

    kernel: str
    vector: int
    pixels_per_lane: int = 1
    lane_split: int = 1


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


def cuda_core_times(
    board: Board, layer: MaskedConv, precision: str, vectors: Sequence[int] = K1_VECTORS
) -> Iterator[SparseTime]:
    """K1 at every launch."""
    for vector, pixels, split in product(vectors, PIXELS_PER_LANE, LANE_SPLITS):
        launch = Launch(CUDA_KERNEL, vector, pixels, split)
        yield cuda_core_time(board, layer, precision, launch)


def cuda_core_time(board: Board, layer: MaskedConv, precision: str, launch: Launch) -> SparseTime:
    """K1 at one launch."""
    width, vector, pixels = bytes_of(precision), launch.vector, launch.pixels_per_lane
    paired = precision == "fp16" and layer.shape.out_pixels >= assumed.PAIRED_PIXELS
    tiles = _pixel_tiles(layer, launch, paired)
    loads = 1 + vector * width / assumed.LOAD_BYTES
    multiplications = vector * pixels
    rate = (board.fp16_fma_per_clock / 2 if paired else board.fp32_fma_per_clock) / assumed.WARP
    clocks = {
        "shared": pixels + loads,
        "fma": multiplications / rate,
        # Two more for the loop.
        "issue": (pixels + multiplications + loads + 2) / assumed.SCHEDULERS,
    }
    spread = parallelism(board, tiles * _vector_groups(layer, vector))
    per_clock_ms = (
        layer.columns[vector] * tiles
        / (launch.lane_split * board.clocks_per_ms * assumed.SPARSE_EFFICIENCY * spread)
    )  # fmt: skip
    return SparseTime(
        issue_ms=clocks["issue"] * per_clock_ms,
        fma_ms=clocks["fma"] * per_clock_ms,
        shared_ms=clocks["shared"] * per_clock_ms,
        memory_ms=sparse_memory_ms(board, layer, precision, vector),
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


def _pixel_tiles(layer: MaskedConv, launch: Launch, paired: bool) -> int:
    lanes = assumed.WARP // launch.lane_split
    slots = lanes * launch.pixels_per_lane * (2 if paired else 1)
    return layer.shape.batch * math.ceil(layer.shape.out_pixels / slots)


def _vector_groups(layer: MaskedConv, vector: int) -> float:
    # Narrow groups go two to a warp, one after the other: their accumulators leave room.
    groups = layer.shape.out_channels / vector
    return groups / 2 if vector < max(K1_VECTORS) else groups
