"""Exact counts of the kernel for tensor cores on real layers, packed as suits it best."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sparse_harness.cases import draw_ticket
from sparse_harness.emulator import Counts, Emulator
from sparse_harness.ideal import ideal_sectors
from sparse_harness.networks import layers, with_channel_tile
from sparse_harness.structures import FLOAT16, HWC8, LINEAR, Convolution, TacticStruct

DENSITY = 0.3
LAYERS = ("wrn_16_2 64>64 16x16 s1", "wrn_16_2 128>128 8x8 s1", "wrn_16_2 32>64 16x16 s2")
# A 1x1 kernel whose 32 columns are two steps.
DOT = Convolution(
    channels=32, outputs=32, size=(1, 1), kernel=(1, 1), pads=(0, 0, 0, 0), type=FLOAT16,
    vector=32, channel_tile=32,
)  # fmt: skip


def counts_of(
    emulator: Emulator, conv: Convolution, tactic: TacticStruct, density: float
) -> tuple[Counts, int]:
    """What a launch does, and the multiply-adds that its outputs need."""
    operands = draw_ticket(conv, density)
    emulator.run(conv, tactic, operands)
    assert emulator.counts is not None
    outputs = conv.output_size[0] * conv.output_size[1]
    return emulator.counts, operands.packed.columns * conv.vector * outputs


@pytest.mark.parametrize("layout", [LINEAR, HWC8], ids=["linear", "hwc8"])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer(vmma_counts: Emulator, layer: str, layout: int) -> None:
    conv = layers(vector=32, type=FLOAT16, layout=layout)[layer]
    conv = with_channel_tile(conv, DENSITY)
    tactic = vmma_counts.default_tactic(conv, DENSITY)
    found, needed = counts_of(vmma_counts, conv, tactic, DENSITY)
    operands = draw_ticket(conv, DENSITY)
    ideal = ideal_sectors(vmma_counts, conv, tactic, operands.packed)
    # Columns that fill up steps, and columns beside the output.
    assert 1 - needed / found.multiply_adds_issued <= 0.15
    # A step's fragment is 512 bytes, its offsets are 32.
    assert found.sectors["values"] == 16 * found.requests["values"]
    assert found.sectors["offsets"] == found.requests["offsets"]
    assert found.sectors["output"] <= 1.1 * ideal.output
    assert found.sectors["input"] <= 1.1 * ideal.input or layout == HWC8
    assert found.conflicts["scratch"] == 0
    # Clocks of the gathers, over those that all their bytes take.
    phases = 2 if tactic.pixels_per_lane <= 4 else 4
    assert found.conflicts["words"] <= 0.6 * phases * found.loads["words"]


def test_counts_are_what_is_worked_out_by_hand(vmma_counts: Emulator) -> None:
    """One warp, 32 columns of a 1x1 kernel, two steps, 4 rows of 8 columns."""
    conv = replace(DOT, size=(4, 8))
    found, needed = counts_of(vmma_counts, conv, TacticStruct(8, 4, 1, 1, 1, 0), 1.0)
    steps, rows = 2, 4
    assert found.multiply_adds == found.multiply_adds_issued == needed == steps * rows * 2 * 2048
    assert found.loads["words"] == 4 * steps
    assert found.requests["values"] == 2 * steps
    assert found.sectors["values"] == 32 * 32 * 2 // 32
    assert found.sectors["offsets"] == 32 * 2 // 32
    assert found.sectors["input"] == found.sectors["output"] == 32 * 4 * 8 * 2 // 32
    assert found.conflicts["words"] == 0


def test_what_lies_outside_the_output_is_not_multiplied(vmma_counts: Emulator) -> None:
    """Tiles of 4 rows and 2 strips of 8 columns on a map of 6 x 20: 6 rows of 3 strips."""
    conv = replace(DOT, size=(6, 20))
    found, needed = counts_of(vmma_counts, conv, TacticStruct(16, 4, 1, 1, 2, 0), 1.0)
    steps, rows, strips = 2, 6, 3
    assert found.multiply_adds_issued == steps * rows * strips * 2 * 2048
    assert needed == 32 * 32 * 6 * 20
    # Of two tiles down, warps of three strips read the weights.
    assert found.requests["values"] == 2 * steps * strips * 2
