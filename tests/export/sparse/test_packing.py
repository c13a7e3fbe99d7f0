"""V follows from the mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.formats import LINEAR
from edgeprune.export.sparse.packing import Place, packed


def _masked(vector: int, share: float = 0.1, outputs: int = 64) -> np.ndarray:
    rng = np.random.default_rng(vector)
    weight = rng.standard_normal((outputs, 32, 3, 3)).astype(np.float32)
    kept = rng.random((-(-outputs // vector), 32, 3, 3)) < share
    return weight * np.repeat(kept, vector, axis=0)[:outputs]


@pytest.mark.parametrize("vector", [1, 2, 4, 8, 32])
def test_columns_of_a_mask_are_found(vector: int) -> None:
    weight = _masked(vector).astype(np.float16 if vector == 32 else np.float32)
    found = packed(weight, 1)
    assert found.vector == vector
    assert np.array_equal(found.unpacked(), weight)
    assert found.val.size == np.count_nonzero(weight)


@pytest.mark.parametrize(("damage", "vector"), [(0.05, 8), (0.3, 1)])
def test_a_few_lost_weights_do_not_cost_the_columns(damage: float, vector: int) -> None:
    weight = _masked(8)
    weight[np.random.default_rng(0).random(weight.shape) < damage] = 0
    assert packed(weight, 1).vector == vector


def test_dense_weights_take_the_longest_columns_that_fit() -> None:
    dense = _masked(1, share=1.0)
    assert packed(dense.astype(np.float16), 1).vector == 32
    assert packed(dense, 1).vector == 8  # no kernel of FP32 has longer ones
    assert packed(_masked(1, share=1.0, outputs=12), 1).vector == 4
    # Columns never span two groups of the convolution.
    assert packed(_masked(1, share=1.0, outputs=12), 6).vector == 2


def test_an_empty_weight_packs() -> None:
    assert packed(np.zeros((4, 3, 3, 3), np.float32), 1).columns == 0


def test_a_board_and_a_size_decide_the_tile() -> None:
    weight = _masked(4)
    shape = ConvShape(32, 64, (56, 56), (56, 56), (3, 3))
    large = packed(weight, 1, place=Place(shape, 87, LINEAR))
    small = packed(
        weight, 1, place=Place(replace(shape, in_size=(7, 7), out_size=(7, 7)), 87, LINEAR)
    )
    assert (packed(weight, 1).channel_tile, large.channel_tile, small.channel_tile) == (16, 12, 28)
    assert large.vector == small.vector == 4
    assert np.array_equal(large.unpacked(), weight)
