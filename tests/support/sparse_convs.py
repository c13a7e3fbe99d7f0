"""Sparse convolutions of every shape, and PyTorch's results for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeprune.device.sparse import pack
from edgeprune.device.sparse.node import SparseConv2d
from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS

Array = NDArray[Any]


@st.composite
def sparse_convs(
    draw: st.DrawFn, dtype: type = np.float32, most_channels: int = 9
) -> tuple[SparseConv2d, Array, Array | None]:
    """A convolution, its input, and a residual or none."""
    groups = draw(st.integers(1, 3))
    kernel = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    shape = (groups * draw(st.integers(1, 11)), draw(st.integers(1, most_channels)), *kernel)
    strides = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilations = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pads = tuple(draw(st.integers(0, 3)) for _ in range(4))
    height, width = (
        max(draw(st.integers(1, 23)), (k - 1) * d + 1 - before - after)
        for k, d, before, after in zip(kernel, dilations, pads[:2], pads[2:], strict=True)
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    weight = rng.standard_normal(shape).astype(dtype)
    weight[rng.random(shape) >= draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))] = 0
    conv = SparseConv2d(
        pack(
            weight,
            vector=draw(st.sampled_from(VECTOR_LENGTHS)),
            channel_tile=draw(st.integers(1, 10)),
            conv_groups=groups,
        ),
        rng.standard_normal(shape[0]).astype(np.float32) if draw(st.booleans()) else None,
        strides,
        (pads[0], pads[1], pads[2], pads[3]),
        dilations,
        activation := draw(st.sampled_from(["none", "relu", "clip"])),
        *((-0.5, 0.75) if activation == "clip" else ()),
    )
    batch = draw(st.integers(1, 3))
    inputs = rng.standard_normal((batch, conv.in_channels, height, width)).astype(dtype)
    result = (batch, shape[0], *conv.out_size(height, width))
    residual = rng.standard_normal(result).astype(dtype) if draw(st.booleans()) else None
    return conv, inputs, residual


def by_torch(conv: SparseConv2d, inputs: Array, residual: Array | None) -> Array:
    """What PyTorch computes in float64 with the dense weight."""
    top, left, bottom, right = conv.pads
    wide = torch.nn.functional.pad(torch.from_numpy(inputs).double(), (left, right, top, bottom))
    found = torch.nn.functional.conv2d(
        wide,
        torch.from_numpy(conv.weight.unpacked()).double(),
        None if conv.bias is None else torch.from_numpy(conv.bias).double(),
        conv.strides,
        0,
        conv.dilations,
        conv.weight.conv_groups,
    )
    if residual is not None:
        found = found + torch.from_numpy(residual)
    return np.asarray(found.clamp(*conv.limits).numpy())
