"""What TensorRT's dense convolution takes, as a roofline."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.device.boards import Board
from edgeprune.device.sparse.assumptions import (
    CUDA_UTILISATION,
    DRAM_EFFICIENCY,
    FIRST_TF32_SM,
    LAUNCH_MS,
    TENSOR_CHANNELS,
    TENSOR_RATES,
    TENSOR_UTILISATION,
    WINOGRAD_GAIN,
)
from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.precision import bytes_of

TENSOR_CORES = "tensor cores"
CUDA_CORES = "CUDA cores"


@dataclass(frozen=True)
class DenseTime:
    """Time of a dense convolution.

    Attributes:
        compute_ms: multiplications at the assumed utilisation.
        memory_ms: DRAM traffic of input, output and weights, each once.
        launch_ms: launch and tail.
        units: what multiplies.
        winograd: whether the Winograd gain is counted in.
    """

    compute_ms: float
    memory_ms: float
    launch_ms: float
    units: str
    winograd: bool

    @property
    def total_ms(self) -> float:
        """All together; computing and loading overlap."""
        return max(self.compute_ms, self.memory_ms) + self.launch_ms

    @property
    def limit(self) -> str:
        """What the time goes to, in a user's words."""
        return "memory" if self.memory_ms > self.compute_ms else self.units


def dense_time(board: Board, shape: ConvShape, precision: str, *, good: bool = True) -> DenseTime:
    """The faster of the ways in which the board can multiply.

    Args:
        precision: `fp32`, where TensorRT may use TF32 as it does by default, `fp16` or `int8`.
        good: at the good utilisation that kernels reach, or at the poor one.
    """
    width = bytes_of(precision)
    traffic = width * (shape.in_elements + shape.out_elements + shape.weights)
    memory_ms = traffic / (board.bytes_per_ms * DRAM_EFFICIENCY)
    winograd = _has_winograd(shape) and precision != "int8"
    cuda_ms = _on_cuda_cores(board, shape, precision, good, winograd)
    tensor_ms = _on_tensor_cores(board, shape, precision, good)
    if tensor_ms is not None and tensor_ms < cuda_ms:
        return DenseTime(tensor_ms, memory_ms, LAUNCH_MS, TENSOR_CORES, winograd=False)
    return DenseTime(cuda_ms, memory_ms, LAUNCH_MS, CUDA_CORES, winograd)


def _on_tensor_cores(board: Board, shape: ConvShape, precision: str, good: bool) -> float | None:
    if precision == "fp32" and int(board.sm) < FIRST_TF32_SM:
        return None
    if not board.tensor_fma_per_clock:
        return None
    rate = board.tensor_fma_per_clock * TENSOR_RATES[precision]
    outputs, inputs = shape.out_channels // shape.groups, shape.in_channels // shape.groups
    padding = _padded(outputs) / outputs * _padded(inputs) / inputs
    return shape.macs * padding / (board.clocks_per_ms * rate * TENSOR_UTILISATION[good])


def _on_cuda_cores(
    board: Board, shape: ConvShape, precision: str, good: bool, winograd: bool
) -> float:
    single = precision == "fp32"
    rate = board.fp32_fma_per_clock if single else board.fp16_fma_per_clock
    gain = WINOGRAD_GAIN if winograd else 1.0
    return shape.macs / (board.clocks_per_ms * rate * CUDA_UTILISATION[good] * gain)


def _has_winograd(shape: ConvShape) -> bool:
    plain = shape.stride == shape.dilation == (1, 1) and shape.groups == 1
    return plain and shape.kernel == (3, 3)


def _padded(channels: int) -> int:
    return -(-channels // TENSOR_CHANNELS) * TENSOR_CHANNELS
