"""CT without a board; `tests/cuda/test_channel_tiles.py` holds the rest against the planner."""

from __future__ import annotations

import pytest

from edgeprune.device.sparse.blocks import PackedConv
from edgeprune.device.sparse.channel_tiles import best_channel_tile, usual_channel_tile
from edgeprune.device.sparse.conv import ConvShape


@pytest.mark.parametrize(("channels", "tile"), [(1, 1), (16, 16), (17, 9), (512, 16), (50, 13)])
def test_tiles_are_alike(channels: int, tile: int) -> None:
    assert usual_channel_tile(channels) == tile


def test_a_layer_that_leaves_no_room_for_three_blocks_is_packed_all_the_same() -> None:
    """A kernel of 31x31, dilated: four of its channels take more than a third of an SM."""
    shape = ConvShape(64, 64, (128, 128), (8, 8), (31, 31), dilation=(4, 4))
    assert best_channel_tile(PackedConv(shape, 4, 16, "fp32"), 0.1) == 1
