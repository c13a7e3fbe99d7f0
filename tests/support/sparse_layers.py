"""Small sparse convolutions for tests of what runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.sparse import pack
from edgeprune.device.sparse.node import SparseConv2d

Array = NDArray[Any]


def small_conv(dtype: type = np.float32, **settings: Any) -> SparseConv2d:
    """12 to 16 channels, 3x3, every fifth weight left."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((16, 12, 3, 3)).astype(dtype)
    weight[rng.random(weight.shape) >= 0.2] = 0
    bias = rng.standard_normal(16).astype(np.float32)
    packed = pack(weight, vector=4, channel_tile=5)
    return SparseConv2d(packed, bias, **{"pads": (1, 1, 1, 1), "activation": "relu", **settings})


def images(conv: SparseConv2d, *shape: int, dtype: type = np.float32) -> tuple[Array, Array]:
    """Inputs (N, C, H, W) of this N, H and W, and a residual."""
    batch, height, width = shape
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((batch, conv.in_channels, height, width)).astype(dtype)
    result = (batch, conv.weight.shape[0], *conv.out_size(height, width))
    return inputs, rng.standard_normal(result).astype(dtype)
