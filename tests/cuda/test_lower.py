"""What the host makes of packed weights for a tactic, against numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sparse_harness.planner import Planner
from sparse_harness.structures import Convolution

from edgeprune.device.sparse.vcsr import pack

STRIDED = Convolution(
    channels=20, outputs=12, size=(20, 22), kernel=(3, 5), stride=(2, 2), dilation=(1, 2),
    pads=(1, 4, 1, 4), channel_tile=8,
)  # fmt: skip
PLAIN = Convolution(channels=20, outputs=12, size=(14, 14), channel_tile=8)


def random_weight(conv: Convolution, density: float = 0.3) -> np.ndarray:
    """With this share of weights that are not zero."""
    rng = np.random.default_rng(0)
    shape = (conv.outputs, conv.channels // conv.groups, *conv.kernel)
    return (rng.standard_normal(shape) * (rng.random(shape) < density)).astype(np.float32)


@pytest.mark.parametrize("conv", [PLAIN, STRIDED])
def test_offsets(planner: Planner, conv: Convolution) -> None:
    """A column's place is found by laying out the positions of its input, phase by phase."""
    packed = pack(random_weight(conv), vector=4, channel_tile=conv.channel_tile)
    for tactic in planner.tactics(conv):
        arguments = planner.plan(conv, tactic).arguments
        column = np.arange(arguments.phase_words * conv.stride[1])
        place = column % conv.stride[1] * arguments.phase_words + column // conv.stride[1]
        channel, kh, kw = np.unravel_index(packed.off, (conv.channel_tile, *conv.kernel))
        expected = (
            channel * arguments.channel_words
            + kh * conv.dilation[0] * arguments.word_pitch
            + place[kw * conv.dilation[1]]
        )
        lowered = planner.lower(conv, tactic, packed.off)
        np.testing.assert_array_equal(lowered, expected)


def test_plain_offsets_are_those_of_the_tile(planner: Planner) -> None:
    """With stride 1 they are `(c * TIH + kh) * TIW + kw`."""
    packed = pack(random_weight(PLAIN), vector=4, channel_tile=PLAIN.channel_tile)
    for tactic in planner.tactics(PLAIN):
        arguments = planner.plan(PLAIN, tactic).arguments
        assert arguments.word_pitch == arguments.tile_columns + 2
        channel, kh, kw = np.unravel_index(packed.off, (PLAIN.channel_tile, 3, 3))
        expected = (channel * arguments.word_rows + kh) * arguments.word_pitch + kw
        np.testing.assert_array_equal(planner.lower(PLAIN, tactic, packed.off), expected)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_slots_hold_every_group_once(planner: Planner, groups: int) -> None:
    conv = replace(PLAIN, groups=groups, outputs=36)
    packed = pack(random_weight(conv), vector=4, channel_tile=conv.channel_tile, conv_groups=groups)
    rows = len(packed.perm) // groups
    for tactic in planner.tactics(conv):
        slots = planner.slots(conv, tactic, packed.perm)
        filled = slots[slots[:, 0] >= 0]
        assert sorted(filled[:, 0]) == list(range(len(packed.perm)))
        np.testing.assert_array_equal(packed.perm[filled[:, 0]], filled[:, 1])
        for part, slot in enumerate(np.split(slots, groups)):
            own = slot[slot[:, 0] >= 0]
            assert set(own[:, 1] // rows) == {part}
            assert (np.diff(own[:, 0]) > 0).all()


def test_packed_weights_are_checked(planner: Planner) -> None:
    packed = pack(random_weight(PLAIN), vector=4, channel_tile=PLAIN.channel_tile)
    seg, off, perm = packed.seg, packed.off, packed.perm
    assert planner.refusal(PLAIN, seg, off, perm) == ""
    assert "groups" in planner.refusal(PLAIN, seg[:-1], off, perm)
    assert "no permutation" in planner.refusal(PLAIN, seg, off, perm * 0)
    assert "do not cover" in planner.refusal(PLAIN, seg, off[:-1], perm)
    backwards = seg.copy()
    backwards[1] = seg[-1]
    assert "ends before it begins" in planner.refusal(PLAIN, backwards, off, perm)
    outside = off.copy()
    outside[-1] = 8 * 9
    assert "outside its tile" in planner.refusal(PLAIN, seg, outside, perm)
