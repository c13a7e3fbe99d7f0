"""Whether packed weights from a file are what the packer makes.

Kernels follow offsets and segments without looking back, so a file that is damaged, or made to do
harm, has to be refused before one runs.
"""

from __future__ import annotations

import numpy as np

from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS, Vcsr, VcsrError

_TYPES = {
    "seg": (np.int32,),
    "off": (np.uint16,),
    "val": (np.float32, np.float16),
    "perm": (np.int32,),
}


def require_sound(packed: Vcsr) -> Vcsr:
    """The weights, if every segment and offset lies where a kernel may look.

    Raises:
        VcsrError: they do not.
    """
    _require_sizes(packed)
    _require_types(packed)
    _require_segments(packed)
    _require_offsets(packed)
    return packed


def _require_sizes(packed: Vcsr) -> None:
    if len(packed.shape) != 4 or min(packed.shape) < 1:
        raise VcsrError(f"packed weights of shape {packed.shape}: four sizes of 1 or more belong")
    if packed.vector not in VECTOR_LENGTHS or packed.channel_tile < 1:
        raise VcsrError(f"packed weights with V {packed.vector} and CT {packed.channel_tile}")
    if packed.conv_groups < 1 or packed.shape[0] % packed.conv_groups:
        raise VcsrError(
            f"{packed.shape[0]} output channels do not make {packed.conv_groups} groups"
        )


def _require_types(packed: Vcsr) -> None:
    for name, allowed in _TYPES.items():
        array = getattr(packed, name)
        if array.dtype not in allowed or array.ndim != (2 if name == "val" else 1):
            raise VcsrError(f"packed weights: '{name}' is {array.dtype} of {array.ndim} axes")


def _require_segments(packed: Vcsr) -> None:
    per_group = packed.shape[0] // packed.conv_groups
    groups = packed.conv_groups * -(-per_group // packed.vector)
    if len(packed.perm) != groups or not np.array_equal(np.sort(packed.perm), np.arange(groups)):
        raise VcsrError(f"packed weights: 'perm' does not order the {groups} groups of channels")
    steps = np.diff(packed.seg.astype(np.int64))
    whole = len(packed.seg) == groups * packed.tiles + 1 and (steps >= 0).all()
    if not whole or packed.seg[0] != 0 or packed.seg[-1] != packed.columns:
        raise VcsrError("packed weights: 'seg' does not divide the columns into segments")
    if packed.val.shape != (packed.columns, packed.vector):
        raise VcsrError(f"packed weights: {packed.val.shape} values for {packed.columns} columns")


def _require_offsets(packed: Vcsr) -> None:
    """Within the tile; the last tile of a group may be narrower."""
    _, inputs, height, width = packed.shape
    tile = np.repeat(np.arange(len(packed.seg) - 1) % packed.tiles, np.diff(packed.seg))
    channels = np.minimum(packed.channel_tile, inputs - tile * packed.channel_tile)
    if (packed.off >= channels * (height * width)).any():
        raise VcsrError("packed weights: an offset lies outside of its tile of channels")
