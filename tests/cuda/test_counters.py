"""Exact counts, on layers that fit a test."""

from __future__ import annotations

import numpy as np
import pytest
from sparse_harness.cases import draw_operands
from sparse_harness.emulator import Emulator
from sparse_harness.measure import measure_layer
from sparse_harness.networks import layers
from sparse_harness.structures import FLOAT16, FLOAT32, Convolution, TacticStruct

VECTOR = 4


@pytest.mark.parametrize("type_", [FLOAT32, FLOAT16], ids=["f32", "f16"])
@pytest.mark.parametrize("layer", ["wrn_16_2 128>128 8x8 s1", "wrn_16_2 64>128 8x8 s2"])
def test_a_layer(counts: Emulator, layer: str, type_: int) -> None:
    figures = measure_layer(counts, layers(vector=VECTOR, type=type_)[layer], density=0.2)
    assert figures.idle_lanes <= 0.15
    assert figures.input_sectors <= 1.1
    assert figures.output_sectors <= 1.1
    assert figures.weight_sectors <= 1.1
    assert figures.multiply_adds_per_load >= 0.9 * VECTOR
    assert figures.bank_conflicts == 0 or layer.endswith("s2")


def test_counts_are_what_is_worked_out_by_hand(counts: Emulator) -> None:
    """One warp, one group, a 1x1 kernel with both its weights, 8 rows of 32 columns."""
    conv = Convolution(
        channels=2, outputs=4, size=(8, 32), kernel=(1, 1), pads=(0, 0, 0, 0), channel_tile=2
    )
    operands, _ = draw_operands(conv, 1.0, np.random.default_rng(0))
    counts.run(conv, TacticStruct(32, 8, 1, 1, 1, 0), operands)
    found = counts.counts
    assert found is not None
    columns, words_of_a_lane = 2, 2
    assert found.multiply_adds == found.multiply_adds_issued == columns * 4 * 8 * 32
    assert found.loads["words"] == columns * words_of_a_lane
    assert found.loads["columns"] == columns * 2  # an offset, and four values at once
    # Each clock 128 bytes: 8 rows of 32 columns of 2 channels, stored and loaded; a chunk of 32
    # offsets and 4 values each stored, and those of a column loaded by all lanes at once.
    assert found.clocks["words"] == 2 * 8 + columns * 8
    assert found.clocks["columns"] == 1 + 32 * 4 * 4 // 128 + columns * 2
    assert found.sectors["input"] == 2 * 8 * 32 * 4 // 32
    assert found.sectors["output"] == 4 * 8 * 32 * 4 // 32
    assert sum(found.conflicts.values()) == 0


def test_conflicts_are_counted(counts: Emulator) -> None:
    """Of lanes that copy rows of a stride: counted where a stride of 2 makes them."""
    conv = Convolution(channels=4, outputs=4, size=(56, 112), stride=(2, 2), channel_tile=4)
    operands, _ = draw_operands(conv, 0.5, np.random.default_rng(0))
    counts.run(conv, TacticStruct(28, 7, 1, 1, 1, 0), operands)
    assert counts.counts is not None
    assert counts.counts.conflicts["raw"] > 0
    assert counts.counts.conflicts["words"] == 0
