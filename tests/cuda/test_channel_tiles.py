"""The package's rule for CT gives what the planner of the plugin would."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from sparse_harness.cases import draw_convolution
from sparse_harness.networks import layers, packed_conv
from sparse_harness.planner import Planner
from sparse_harness.structures import FLOAT16, FLOAT32, HWC8, LINEAR, Convolution, TacticStruct
from sparse_harness.vmma_cases import draw_vmma_convolution

from edgeprune.device.sparse.blocks import Block, fits, shared_bytes
from edgeprune.device.sparse.channel_tiles import (
    SHARED_BYTES,
    best_channel_tile,
    candidate_tiles,
    worth,
)
from edgeprune.device.sparse.suitability import default_block, lane_use, suitability

BOARDS = (53, 62, 72, 87, 110)
DRAWN = 60


def _block(tactic: TacticStruct) -> Block:
    names = ("tile_columns", "pixels_per_lane", "groups_per_warp", "lane_split", "warps")
    return Block(*(getattr(tactic, name) for name in names))


def _by_the_planner(planner: Planner, conv: Convolution, density: float) -> int:
    uses = {}
    for tile in candidate_tiles(conv.channels // conv.groups):
        tiled = replace(conv, channel_tile=tile)
        tactic = planner.default_tactic(tiled, density)
        plan = planner.plan(tiled, tactic)
        if not plan.reason and plan.shared_bytes <= SHARED_BYTES:
            uses[tile] = worth(tile, planner.suitability(tiled, tactic, density))
    return max(tile for tile, use in uses.items() if use > max(uses.values()) - 0.001)


KINDS = [
    *product((1, 2, 4, 8), (FLOAT32,), (LINEAR,)),
    *product((1, 2, 4, 8, 32), (FLOAT16,), (LINEAR, HWC8)),
]


@pytest.mark.parametrize(
    ("vector", "type_", "layout", "sm"),
    [(*kind, sm) for kind in KINDS for sm in BOARDS if kind[0] < 32 or sm >= 80],
)
def test_tiles_of_real_layers(
    planner: Planner, vector: int, type_: int, layout: int, sm: int
) -> None:
    named = layers(vector=vector, type=type_, layout=layout)
    for conv in list(named.values())[:: 1 if sm == 87 else 4]:
        own = replace(conv, sm=sm)
        assert best_channel_tile(packed_conv(own), 0.1) == _by_the_planner(planner, own, 0.1)


@pytest.mark.parametrize("draw", [draw_convolution, draw_vmma_convolution])
def test_blocks_of_any_convolution(planner: Planner, draw: object) -> None:
    """Shared memory, lanes and suitability of every launch, and which one is the default."""
    launches = 0
    for seed in range(DRAWN):
        rng = np.random.default_rng(seed)
        conv = replace(draw(rng), sm=int(rng.choice(BOARDS[-2:])))
        if min(conv.output_size) < 1:
            continue
        packed = packed_conv(conv)
        for tactic in planner.tactics(conv)[::5]:
            block = _block(tactic)
            launches += 1
            assert fits(packed, block)
            assert shared_bytes(packed, block) == planner.plan(conv, tactic).shared_bytes
            for density in (0.01, 0.3):
                assert lane_use(packed, block, density) == planner.lane_use(conv, tactic, density)
                found = suitability(packed, block, density)
                assert found == planner.suitability(conv, tactic, density)
        block, use = default_block(packed, 0.2)
        if use > 0:
            assert block == _block(planner.default_tactic(conv, 0.2))
    assert launches > 3 * DRAWN


def test_what_does_not_fit_is_known(planner: Planner) -> None:
    conv = Convolution(channels=512, outputs=64, size=(56, 56), channel_tile=512, sm=53)
    tactic = planner.default_tactic(conv)
    assert planner.plan(conv, tactic).reason
    assert not fits(packed_conv(conv), _block(tactic))
    assert suitability(packed_conv(conv), _block(tactic), 0.1) < 0
