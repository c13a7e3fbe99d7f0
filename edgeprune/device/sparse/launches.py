"""The sparse kernels, and the launches that are compiled (`cuda/plan/instantiations.h`).

Of the direct kernel a lane works on one column of a tile of output pixels: its rows are the lane's
pixels, its columns the warp's lanes, and with a lane split of S, S lanes share a column's list of
weights. Of the tensor-core kernel a warp works on 8 columns, whose rows are a lane's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.device.sparse.assumptions import WARP

CUDA_KERNEL = "sparse_conv_direct"
TENSOR_KERNEL = "sparse_conv_vmma"
KERNELS = (CUDA_KERNEL, TENSOR_KERNEL)
# What a choice may count on.
COMPILED_KERNELS = KERNELS
# Output rows of a tile of the tensor-core kernel (`cuda/plan/vmma_instantiations.h`).
TENSOR_ROWS = (4, 7, 8)


@dataclass(frozen=True)
class Launch:
    """How a sparse kernel is launched.

    Attributes:
        kernel: its name.
        vector: V, output channels that share a column.
        groups_per_warp: groups of V output channels that a warp works on.
        pixels_per_lane: output rows of a tile.
        lane_split: lanes that share a pixel column.
    """

    kernel: str
    vector: int
    groups_per_warp: int
    pixels_per_lane: int
    lane_split: int = 1

    @property
    def widest_tile(self) -> int:
        """Output columns that a warp's lanes cover."""
        return WARP // self.lane_split


def _of_vector(
    vector: int, groups: int, pixels: tuple[int, ...], splits: tuple[int, ...]
) -> tuple[Launch, ...]:
    return tuple(
        Launch(CUDA_KERNEL, vector, groups, one, split) for one in pixels for split in splits
    )


LAUNCHES = (
    *_of_vector(1, 4, (7, 8), (1, 2, 4)),
    *_of_vector(2, 2, (7, 8), (1, 2, 4)),
    *_of_vector(4, 1, (7, 8), (1, 2, 4)),
    *_of_vector(8, 1, (4,), (1,)),
)
