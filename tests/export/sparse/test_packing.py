"""V follows from the mask."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.export.sparse.packing import channel_tile, packed


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


@pytest.mark.parametrize(("channels", "tile"), [(1, 1), (16, 16), (17, 9), (512, 16), (50, 13)])
def test_tiles_are_alike(channels: int, tile: int) -> None:
    assert channel_tile(channels) == tile
