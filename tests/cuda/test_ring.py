"""Columns wait for those of the next tile of channels, but not longer than their input is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sparse_harness.cases import draw_weight
from sparse_harness.planner import Planner
from sparse_harness.ring import channels, present, ring_offsets
from sparse_harness.structures import FLOAT16, HWC8, LINEAR, Convolution, TacticStruct

from edgeprune.device.sparse.vcsr import Vcsr, pack

CONV = Convolution(channels=42, outputs=24, size=(9, 8), type=FLOAT16, channel_tile=8)


def packed_weight(conv: Convolution, density: float) -> Vcsr:
    weight = draw_weight(conv, density, np.random.default_rng(0))
    return pack(weight, vector=conv.vector, channel_tile=conv.channel_tile)


def tactics_by_split(planner: Planner, conv: Convolution) -> list[TacticStruct]:
    return list({tactic.lane_split: tactic for tactic in planner.tactics(conv)}.values())


@pytest.mark.parametrize("density", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("layout", [LINEAR, HWC8])
def test_columns_are_multiplied_while_their_channel_is_there(
    planner: Planner, density: float, layout: int
) -> None:
    conv = replace(CONV, layout=layout)
    packed = packed_weight(conv, density)
    tactics = tactics_by_split(planner, conv)
    assert {tactic.lane_split for tactic in tactics} == {1, 2, 4}
    for tactic in tactics:
        seg, off, val = planner.arrange(conv, tactic, packed)
        np.testing.assert_array_equal(val, packed.val)
        np.testing.assert_array_equal(off, ring_offsets(planner, conv, tactic, packed))
        np.testing.assert_array_equal(seg[:: packed.tiles], packed.seg[:: packed.tiles])
        channel = channels(packed)
        for s in range(len(seg) - 1):
            first, behind = present(planner, conv, tactic, s % packed.tiles)
            own = channel[seg[s] : seg[s + 1]]
            assert ((own >= first) & (own < behind)).all()


@pytest.mark.parametrize(("vector", "step"), [(4, 4), (32, 8)])
def test_lanes_are_left_over_at_the_end_alone(planner: Planner, vector: int, step: int) -> None:
    """Where lists are long enough: of every group there is one step that is not whole."""
    conv = replace(CONV, channels=96, outputs=64, vector=vector, channel_tile=32)
    packed = packed_weight(conv, 0.5)
    tactic = tactics_by_split(planner, conv)[-1]
    seg, off, _ = planner.arrange(conv, tactic, packed)
    columns = np.diff(packed.seg[:: packed.tiles])
    if vector == 32:
        halves = (off.reshape(-1, 16)[:, 2] == 65535).sum()
        issued = 2 * seg[-1] - halves
    else:
        assert tactic.lane_split == step
        issued = (-(-np.diff(seg) // step)).sum()
    assert issued == (-(-columns // step)).sum()


def test_one_tile_of_channels_needs_no_ring(planner: Planner) -> None:
    conv = replace(CONV, channel_tile=64)
    for tactic in tactics_by_split(planner, conv):
        assert planner.plan(conv, tactic).arguments.ring_channels == conv.channels
