"""The numpy convolution is PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from sparse_convs import by_torch, sparse_convs

from edgeprune.device.sparse import VcsrError, pack
from edgeprune.device.sparse.node import SparseConv2d
from edgeprune.device.sparse.reference import sparse_conv2d


@given(sparse_convs())
def test_any_convolution_is_pytorchs(case: tuple[SparseConv2d, Any, Any]) -> None:
    found = sparse_conv2d(*case)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_torch(*case), rtol=1e-6, atol=1e-6)


@given(sparse_convs(np.float16))
def test_fp16_is_rounded_once(case: tuple[SparseConv2d, Any, Any]) -> None:
    found = sparse_conv2d(*case)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, by_torch(*case), rtol=2**-10, atol=2**-20)


def test_what_does_not_fit_is_told() -> None:
    weight = pack(np.ones((4, 3, 3, 3), dtype=np.float32), vector=1, channel_tile=3)
    conv = SparseConv2d(weight)
    with pytest.raises(VcsrError, match=r"\(N, 3, H, W\)"):
        sparse_conv2d(conv, np.zeros((1, 4, 8, 8), dtype=np.float32))
    with pytest.raises(VcsrError, match="smaller than the kernel"):
        sparse_conv2d(conv, np.zeros((1, 3, 2, 8), dtype=np.float32))
    inputs, residual = (np.zeros(shape, dtype=np.float32) for shape in [(1, 3, 8, 8), (1, 4, 8, 8)])
    with pytest.raises(VcsrError, match=r"result of \(1, 4, 6, 6\)"):
        sparse_conv2d(conv, inputs, residual)
