"""VCSR(V, CT): the weights of a sparse convolution, as the kernels walk through them.

V output channels share their columns, so that one load of an activation serves V multiplications
and its index is stored once; V = 1 is fully unstructured. Input channels come in tiles of CT, the
part of them that fits into shared memory. A column's offset is relative to its tile and knows
nothing of the tile of pixels, which is chosen on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.device.errors import DeviceError

VECTOR_LENGTHS = (1, 2, 4, 8, 32)
_OFFSETS = 1 << 16


class VcsrError(DeviceError):
    """Weights or settings that this format does not hold."""

    exit_code = 2


@dataclass(frozen=True)
class Vcsr:
    """Packed weights.

    A segment holds the columns of one group of output channels in one tile of input channels.

    Attributes:
        seg: int32, (groups of channels x tiles) + 1; where each segment begins. Groups come in the
            order of `perm`.
        off: uint16, one per column: `(channel in its tile * KH + kh) * KW + kw`.
        val: float32 or float16, (columns, V).
        perm: int32, one per group of channels: which one of the weight it is; the fullest first,
            so that blocks that run side by side end together.
        shape: of the dense weight: (O, C / conv_groups, KH, KW).
        vector: V, output channels of a group.
        channel_tile: CT, input channels of a tile.
        conv_groups: of the convolution.
    """

    seg: np.ndarray
    off: np.ndarray
    val: np.ndarray
    perm: np.ndarray
    shape: tuple[int, int, int, int]
    vector: int
    channel_tile: int
    conv_groups: int = 1

    @property
    def columns(self) -> int:
        """Stored columns, each of V values."""
        return len(self.off)

    @property
    def tiles(self) -> int:
        """Tiles of input channels."""
        return -(-self.shape[1] // self.channel_tile)

    @property
    def bytes(self) -> int:
        """Of all arrays."""
        return int(sum(part.nbytes for part in (self.seg, self.off, self.val, self.perm)))

    def unpacked(self) -> np.ndarray:
        """The dense weight."""
        outputs, inputs, height, width = self.shape
        per_conv_group, rows = _rows(outputs, self.conv_groups, self.vector)
        area = height * width
        dense = np.zeros((len(self.perm), inputs * area, self.vector), dtype=self.val.dtype)
        segment = np.repeat(np.arange(len(self.seg) - 1), np.diff(self.seg))
        group, tile = segment // self.tiles, segment % self.tiles
        column = tile * self.channel_tile * area + self.off.astype(np.int64)
        dense[self.perm[group], column] = self.val
        whole = dense.transpose(0, 2, 1).reshape(self.conv_groups, rows * self.vector, inputs, area)
        kept = whole[:, :per_conv_group]
        return np.ascontiguousarray(kept).reshape(self.shape)


def pack(weight: np.ndarray, *, vector: int, channel_tile: int, conv_groups: int = 1) -> Vcsr:
    """The weight of a convolution as VCSR.

    A column is stored where any of the V output channels that share it is not zero.

    Args:
        weight: float32 or float16, (O, C / conv_groups, KH, KW).
        vector: V, one of `VECTOR_LENGTHS`.
        channel_tile: CT, at least 1.
        conv_groups: of the convolution.

    Raises:
        VcsrError: this format does not hold it.
    """
    _check(weight, vector, channel_tile, conv_groups)
    outputs, inputs, height, width = weight.shape
    per_conv_group, rows = _rows(outputs, conv_groups, vector)
    area = height * width
    whole = np.zeros((conv_groups, rows * vector, inputs * area), dtype=weight.dtype)
    whole[:, :per_conv_group] = weight.reshape(conv_groups, per_conv_group, inputs * area)
    grouped = whole.reshape(conv_groups * rows, vector, inputs * area)
    stored = (grouped != 0).any(axis=1)
    perm = np.argsort(-stored.sum(axis=1), kind="stable")
    group, column = np.nonzero(stored[perm])
    tile, off = np.divmod(column, channel_tile * area)
    tiles = -(-inputs // channel_tile)
    counts = np.bincount(group * tiles + tile, minlength=len(perm) * tiles)
    return Vcsr(
        seg=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        off=off.astype(np.uint16),
        val=np.ascontiguousarray(grouped[perm[group], :, column]),
        perm=perm.astype(np.int32),
        shape=(outputs, inputs, height, width),
        vector=vector,
        channel_tile=channel_tile,
        conv_groups=conv_groups,
    )


def _rows(outputs: int, conv_groups: int, vector: int) -> tuple[int, int]:
    """Output channels of a group of the convolution, and how many groups of V hold them."""
    per_conv_group = outputs // conv_groups
    return per_conv_group, -(-per_conv_group // vector)


def _check(weight: np.ndarray, vector: int, channel_tile: int, conv_groups: int) -> None:
    if weight.ndim != 4 or weight.dtype not in (np.float32, np.float16):
        raise VcsrError(
            f"a weight of shape {weight.shape} and type {weight.dtype}: VCSR holds (O, C, KH, KW) "
            "of float32 or float16"
        )
    if vector not in VECTOR_LENGTHS:
        raise VcsrError(f"vector length {vector}: use {', '.join(map(str, VECTOR_LENGTHS))}")
    if conv_groups < 1 or weight.shape[0] % conv_groups:
        raise VcsrError(f"{weight.shape[0]} output channels do not make {conv_groups} groups")
    area = weight.shape[2] * weight.shape[3]
    if channel_tile < 1 or channel_tile * area > _OFFSETS:
        raise VcsrError(
            f"channel tile {channel_tile}: with kernels of {area} weights use 1 to "
            f"{_OFFSETS // max(area, 1)}, so that offsets fit into 16 bits"
        )
    if not np.isfinite(weight).all():
        raise VcsrError("the weight is not finite")
