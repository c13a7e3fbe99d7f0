"""What can be tried for a sparse convolution on a device, and what a trial depends on."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.launches import LAUNCHES


@dataclass(frozen=True)
class Tactic:
    """Launch parameters that a device chooses among; the rest it takes from its own table.

    Attributes:
        vector: V, output channels that share a column; another one means packing again.
        tile_columns: output columns of a tile.
        pixels_per_lane: output rows of a tile.
        groups_per_warp: groups of V output channels that a warp works on.
        lane_split: lanes that share the columns of a pixel.
    """

    vector: int
    tile_columns: int
    pixels_per_lane: int
    groups_per_warp: int
    lane_split: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_dict(saved: dict[str, Any]) -> Tactic:
        """The inverse of `as_dict`."""
        return Tactic(**{field.name: int(saved[field.name]) for field in fields(Tactic)})


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


def candidates(shape: ConvShape) -> tuple[Tactic, ...]:
    """Every tactic worth a trial: launches that are compiled, with tiles that fit the map evenly.

    Narrower tiles come too, for layers whose widest one takes too much shared memory.
    """
    width = shape.out_size[1]
    return tuple(
        Tactic(
            launch.vector,
            columns,
            launch.pixels_per_lane,
            launch.groups_per_warp,
            launch.lane_split,
        )
        for launch in LAUNCHES
        for columns in _tile_columns(width, launch.widest_tile)
    )


def _tile_columns(width: int, most: int) -> tuple[int, ...]:
    even = -(-width // -(-width // most))
    return tuple(columns for columns in (even, even // 2, even // 4) if columns)
