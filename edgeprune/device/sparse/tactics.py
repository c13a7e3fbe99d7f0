"""What can be tried for a sparse convolution on a device, and what a trial depends on."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Sequence

import numpy as np

from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.sparse_cost import K1_VECTORS, LANE_SPLITS, PIXELS_PER_LANE

TILES = ((8, 8), (8, 16), (16, 16), (8, 32), (16, 32))


@dataclass(frozen=True)
class Tactic:
    """Launch parameters that a device chooses among.

    Attributes:
        vector: V, output channels that share a column; another one means packing again.
        tile: (height, width) of a block's output pixels.
        pixels_per_lane: pixels of a lane.
        lane_split: lanes that share the columns of a pixel.
    """

    vector: int
    tile: tuple[int, int]
    pixels_per_lane: int
    lane_split: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "tile": list(self.tile)}

    @staticmethod
    def from_dict(saved: dict[str, Any]) -> Tactic:
        """The inverse of `as_dict`."""
        height, width = saved["tile"]
        return Tactic(
            int(saved["vector"]),
            (int(height), int(width)),
            int(saved["pixels_per_lane"]),
            int(saved["lane_split"]),
        )


@dataclass(frozen=True)
class TrialKey:
    """What the fastest tactic depends on: anything else may change without a new trial.

    Attributes:
        sm: compute capability without the dot.
        gpu_mhz: clock of the GPU while it was measured.
        memory_mhz: clock of the DRAM.
        precision: of the values.
        shape: sizes of the convolution.
        mask: `mask_hash` of its weight.
    """

    sm: str
    gpu_mhz: int
    memory_mhz: int
    precision: str
    shape: ConvShape
    mask: str

    def digest(self) -> str:
        """One name for all of it."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def mask_hash(weight: np.ndarray) -> str:
    """SHA-256 of where a weight is zero; its values do not matter for the time."""
    kept = np.ascontiguousarray(np.asarray(weight) != 0)
    digest = hashlib.sha256(repr(kept.shape).encode())
    digest.update(np.packbits(kept).tobytes())
    return digest.hexdigest()


def candidates(
    shape: ConvShape, vectors: Sequence[int] = K1_VECTORS, tiles: Sequence[tuple[int, int]] = TILES
) -> tuple[Tactic, ...]:
    """Every tactic worth a trial: of tiles that exceed the map, only those that exceed it least."""
    height, width = shape.out_size
    fitting = [t for t in tiles if t[0] <= height and t[1] <= width] or [tiles[0]]
    found = product(vectors, fitting, PIXELS_PER_LANE, LANE_SPLITS)
    return tuple(Tactic(*one) for one in found)
