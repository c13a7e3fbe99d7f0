"""What each board's rates allow a layer at best, from what the emulation counted: a model.

Three times of a launch, each as if nothing but that one limit were there: its multiply-adds at the
rate of the multipliers, its clocks of shared memory, and its sectors of global memory at the rate
of the DRAM. The longest bounds the layer. Nothing of it was measured on a board: instructions that
neither multiply nor load, latencies, launches and a grid that leaves SMs without work come on top.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.device.boards import Board
from sparse_harness.emulator import Counts
from sparse_harness.nvrtc import TENSOR_SM
from sparse_harness.structures import FLOAT16, Convolution

NOTE = "a model, not a measurement"
_SECTOR_BYTES = 32
_TENSOR_VECTOR = 32


@dataclass(frozen=True)
class Work:
    """What a launch does, counted.

    Attributes:
        multiply_adds: that were issued, lanes without work among them.
        shared_clocks: of shared memory, 128 bytes each at most, bank conflicts among them.
        sectors: of 32 bytes of global memory, each once a request: what blocks read again, too.
        once_bytes: of input, output and packed weights, each once.
    """

    multiply_adds: int
    shared_clocks: int
    sectors: int
    once_bytes: int


@dataclass(frozen=True)
class Bounds:
    """Times of a layer on a board, one limit each.

    Attributes:
        compute_us: of the multipliers, CUDA cores or tensor cores.
        shared_us: of the accesses to shared memory.
        memory_us: of every counted sector from DRAM, as if no cache kept any.
        memory_once_us: of input, output and weights once, as if the cache kept all.
    """

    compute_us: float
    shared_us: float
    memory_us: float
    memory_once_us: float

    @property
    def bound_us(self) -> float:
        """The longest, the sectors at their worst."""
        return max(self.compute_us, self.shared_us, self.memory_us)

    @property
    def limit(self) -> str:
        """Which that is; memory where the sectors alone take longest, whether cached or not."""
        on_chip = max(self.compute_us, self.shared_us)
        if self.memory_once_us >= on_chip:
            return "memory"
        if self.memory_us > on_chip:
            return "memory, uncached"
        return "compute" if self.compute_us >= self.shared_us else "shared"


def work(counts: Counts, conv: Convolution, packed_bytes: int) -> Work:
    """Of a launch in a build that counts.

    Args:
        packed_bytes: of the layer's packed weights.

    Raises:
        ValueError: nothing was counted.
    """
    if not counts.multiply_adds_issued:
        raise ValueError("this build does not count")
    size = 2 if conv.type == FLOAT16 else 4
    height, width = conv.output_size
    maps = conv.channels * conv.size[0] * conv.size[1] + conv.outputs * height * width
    return Work(
        multiply_adds=counts.multiply_adds_issued,
        shared_clocks=sum(counts.clocks.values()),
        sectors=sum(counts.sectors.values()),
        once_bytes=conv.batch * maps * size + packed_bytes,
    )


def bounds(done: Work, conv: Convolution, board: Board) -> Bounds:
    """On a board at its highest clocks, all SMs at work.

    Raises:
        ValueError: the board has no tensor cores that the layer's kernel needs.
    """
    clocks_per_us = board.clocks_per_ms / 1e3
    bytes_per_us = board.bytes_per_ms / 1e3
    return Bounds(
        compute_us=done.multiply_adds / (_rate(conv, board) * clocks_per_us),
        shared_us=done.shared_clocks / clocks_per_us,
        memory_us=done.sectors * _SECTOR_BYTES / bytes_per_us,
        memory_once_us=done.once_bytes / bytes_per_us,
    )


def _rate(conv: Convolution, board: Board) -> int:
    """Multiply-adds of an SM per clock."""
    if conv.vector == _TENSOR_VECTOR:
        if int(board.sm) < TENSOR_SM:
            raise ValueError(f"{board.name} has no tensor cores for a vector of {conv.vector}")
        return board.tensor_fma_per_clock
    return board.fp16_fma_per_clock if conv.type == FLOAT16 else board.fp32_fma_per_clock
