"""The compiled kernel is PyTorch's convolution, at any size, with any number of threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sparse_convs import by_torch, sparse_convs

from edgeprune.device.errors import DeviceError
from edgeprune.device.sparse import VcsrError, pack
from edgeprune.device.sparse.cpu import CpuSparseConv2d
from edgeprune.device.sparse.node import SparseConv2d

_BANDS = [1, 4_000, 1 << 19]


@settings(deadline=None)
@given(sparse_convs(), st.integers(1, 4), st.sampled_from(_BANDS))
def test_any_convolution_is_pytorchs(
    case: tuple[SparseConv2d, Any, Any], threads: int, band_bytes: int
) -> None:
    conv, inputs, residual = case
    found = CpuSparseConv2d(conv, threads, band_bytes, 1)(inputs, residual)
    np.testing.assert_allclose(found, by_torch(conv, inputs, residual), rtol=1e-5, atol=1e-4)


@settings(deadline=None)
@given(sparse_convs(np.float16))
def test_fp16_weights_are_widened(case: tuple[SparseConv2d, Any, Any]) -> None:
    conv, inputs, residual = case
    found = CpuSparseConv2d(conv, 1)(inputs, residual)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_torch(conv, inputs, residual), rtol=1e-5, atol=1e-4)


def _conv(vector: int = 4) -> SparseConv2d:
    rng = np.random.default_rng(vector)
    weight = rng.standard_normal((40, 24, 3, 3)).astype(np.float32)
    weight[rng.random(weight.shape) < 0.8] = 0
    return SparseConv2d(pack(weight, vector=vector, channel_tile=7), pads=(1, 1, 1, 1))


@pytest.mark.parametrize("vector", [1, 2, 4, 8, 32])
@pytest.mark.parametrize("size", [(1, 7, 7), (5, 7, 7), (2, 56, 61), (1, 1, 200), (3, 200, 1)])
def test_sizes_of_real_layers(vector: int, size: tuple[int, int, int]) -> None:
    conv = _conv(vector)
    kernel = CpuSparseConv2d(conv, 2, 100_000, 1)
    inputs = np.random.default_rng(0).standard_normal((size[0], 24, *size[1:])).astype(np.float32)
    np.testing.assert_allclose(kernel(inputs), by_torch(conv, inputs, None), atol=1e-4)


def test_results_do_not_depend_on_the_threads() -> None:
    conv = _conv()
    inputs = np.random.default_rng(0).standard_normal((3, 24, 20, 20)).astype(np.float32)
    one, four = (CpuSparseConv2d(conv, threads, least_work=1)(inputs) for threads in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_many_callers_at_once() -> None:
    conv = _conv()
    kernel = CpuSparseConv2d(conv, 2, least_work=1)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal((1, 24, 9 + i, 12)).astype(np.float32) for i in range(6)]
    wrong: list[bool] = []

    def call(number: int) -> None:
        expected = by_torch(conv, inputs[number], None)
        found = [kernel(inputs[number]) for _ in range(30)]
        wrong.extend(not np.allclose(one, expected, atol=1e-4) for one in found)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(len(inputs))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(wrong) == 30 * len(inputs)
    assert not any(wrong)


def test_infinite_and_missing_numbers_travel_on() -> None:
    weight = np.zeros((1, 1, 1, 1), np.float32) + 1
    packed = pack(weight, vector=1, channel_tile=1)
    kernel = CpuSparseConv2d(SparseConv2d(packed, activation="relu"), 1)
    inputs = np.array([[[[np.nan, -1.0, np.inf, -np.inf, 2.0]]]], dtype=np.float32)
    np.testing.assert_array_equal(kernel(inputs)[0, 0, 0], [np.nan, 0.0, np.inf, 0.0, 2.0])


def test_arrays_of_other_layouts_and_an_own_output() -> None:
    conv = _conv()
    kernel = CpuSparseConv2d(conv, 1)
    inputs = np.random.default_rng(0).standard_normal((2, 24, 8, 9)).astype(np.float32)
    expected = kernel(inputs)
    turned = np.ascontiguousarray(inputs.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    out = np.empty_like(expected)
    assert kernel(turned, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert kernel(inputs[:0]).shape == (0, 40, 8, 9)
    for bad in (out[:1], out.astype(np.float64), out.transpose(0, 1, 3, 2)):
        with pytest.raises(DeviceError, match=r"contiguous float32 of shape \(2, 40, 8, 9\)"):
            kernel(inputs, out=bad)


def test_what_does_not_fit_is_told() -> None:
    kernel = CpuSparseConv2d(_conv(), 1)
    with pytest.raises(VcsrError, match=r"\(N, 24, H, W\)"):
        kernel(np.zeros((1, 23, 8, 8), np.float32))
    with pytest.raises(VcsrError, match="a residual of shape"):
        kernel(np.zeros((1, 24, 8, 8), np.float32), np.zeros((1, 40, 7, 8), np.float32))
