"""What the cost model takes for staging is what the emulation counts."""

from __future__ import annotations

import numpy as np
import pytest
from sparse_harness.cases import draw_operands
from sparse_harness.emulator import Emulator
from sparse_harness.networks import layers, packed_conv, with_channel_tile
from sparse_harness.structures import FLOAT16, FLOAT32

from edgeprune.device.sparse.blocks import Block
from edgeprune.device.sparse.staging import staging

LAYERS = ("16>32 32x32 s1", "32>64 16x16 s2", "64>64 16x16 s1", "128>128 8x8 s1")


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("type_", [FLOAT32, FLOAT16])
def test_clocks_of_shared_memory(counts: Emulator, layer: str, type_: int) -> None:
    conv = with_channel_tile(layers(vector=4, type=type_)[f"wrn_16_2 {layer}"], 0.1)
    tactic = counts.default_tactic(conv, 0.1)
    operands, _ = draw_operands(conv, 0.1, np.random.default_rng(0))
    counts.run(conv, tactic, operands)
    found = counts.counts
    assert found is not None
    stores = 4 * found.stores["words"]  # of 16 bytes a lane
    names = ("tile_columns", "pixels_per_lane", "groups_per_warp", "lane_split", "warps")
    block = Block(*(getattr(tactic, name) for name in names))
    expected = staging(packed_conv(conv), block).shared_clocks
    assert found.clocks["raw"] + stores == pytest.approx(expected, rel=0.1)
