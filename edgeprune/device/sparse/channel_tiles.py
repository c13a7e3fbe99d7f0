"""CT: how many input channels a layer's tiles have when it is packed."""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from edgeprune.device.sparse.blocks import PackedConv, fits, shared_bytes
from edgeprune.device.sparse.suitability import default_block

SHARED_BYTES = 53 * 1024  # three blocks fill an SM of Orin
_CANDIDATES = (3, *range(4, 129, 4))
# Of how a tile of fewer channels than this suits: its lists are hardly longer than its barriers.
_FEW, _OF_FEW = 4, 0.8
# Without a board: two tiles, one in use and one on its way, of 16 channels of 8x32 pixels with a
# border for a 3x3 kernel are 43 KB in FP32, within the 48 KB that every GPU gives a block.
_USUAL = 16


def best_channel_tile(conv: PackedConv, density: float) -> int:
    """The tile of channels whose default launch suits the layer best.

    Longer lists of weights leave a smaller remainder to lanes that split them; shared memory, of
    which three blocks have to find theirs, bounds them. Of tiles that are as good within a
    thousandth the largest is taken: it has the fewest barriers. A layer of which no tile leaves
    room for three blocks gets the one of all that run which suits best, or 1.

    Args:
        conv: the layer; its own CT does not matter.
        density: share of the columns of V weights that is stored.
    """
    roomy: dict[int, float] = {}
    crowded: dict[int, float] = {}
    for tile in candidate_tiles(conv.group_channels):
        tiled = replace(conv, channel_tile=tile)
        block, use = default_block(tiled, density)
        if not fits(tiled, block):
            continue
        (roomy if shared_bytes(tiled, block) <= SHARED_BYTES else crowded)[tile] = worth(tile, use)
    uses = roomy or crowded
    best = max(uses.values(), default=0.0)
    return max((tile for tile, use in uses.items() if use > best - 0.001), default=1)


def worth(tile: int, use: float) -> float:
    """How well a tile suits, its barriers counted.

    Args:
        tile: CT.
        use: suitability of its default launch.
    """
    return use * _OF_FEW if tile < _FEW and use > 0 else use


def usual_channel_tile(channels: int) -> int:
    """16 input channels or a little fewer, so that all tiles are alike: for CPUs and unknown sizes.

    Args:
        channels: C / conv_groups.
    """
    tiles = -(-channels // _USUAL)
    return -(-channels // tiles)


def candidate_tiles(channels: int) -> Sequence[int]:
    """Those worth trying.

    Args:
        channels: C / conv_groups.
    """
    return [*(tile for tile in _CANDIDATES if tile < channels), channels]
