"""The cost model: it orders what must be ordered, and breaks even where the specification says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.device.boards import Board, board_names, find_board
from edgeprune.device.sparse.break_even import break_even, gate_sparsity
from edgeprune.device.sparse.choice import best_sparse_time
from edgeprune.device.sparse.conv import ConvShape, masked_conv, random_mask
from edgeprune.device.sparse.dense_cost import dense_time
from edgeprune.device.sparse.launches import CUDA_KERNEL, KERNELS, TENSOR_KERNEL
from edgeprune.device.sparse.precision import UnknownPrecisionError
from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS, pack
from edgeprune.device.sparse.vmma_cost import tensor_core_times


def _square(inputs: int, outputs: int, side: int, kernel: int) -> ConvShape:
    return ConvShape(inputs, outputs, (side, side), (side, side), (kernel, kernel))


LAYERS = (
    _square(64, 64, 56, 3),
    _square(256, 256, 14, 3),
    _square(512, 512, 7, 3),
    _square(128, 512, 28, 1),
    _square(512, 2048, 7, 1),
)
boards = st.sampled_from([find_board(name) for name in board_names()])
precisions = st.sampled_from(["fp32", "fp16"])


@st.composite
def shapes(draw: st.DrawFn) -> ConvShape:
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    inputs, outputs = (groups * draw(st.integers(1, 64)) for _ in range(2))
    side, kernel = draw(st.integers(1, 64)), draw(st.sampled_from([1, 3, 5]))
    stride = draw(st.integers(1, 2))
    out = -(-side // stride)
    return ConvShape(
        inputs, outputs, (side, side), (out, out), (kernel, kernel), stride=(stride, stride),
        groups=groups, batch=draw(st.integers(1, 4)),
    )  # fmt: skip


@given(boards, shapes(), precisions, st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_fewer_weights_never_take_longer(
    board: Board, shape: ConvShape, precision: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    many = best_sparse_time(board, random_mask("", shape, low), precision)
    few = best_sparse_time(board, random_mask("", shape, high), precision)
    assert many is not None
    assert few is not None
    assert few.total_ms <= many.total_ms * (1 + 1e-12)


@given(boards, shapes(), precisions, st.floats(0, 1), st.floats(1, 4))
@settings(max_examples=60, deadline=None)
def test_more_bandwidth_never_takes_longer(
    board: Board, shape: ConvShape, precision: str, sparsity: float, factor: float
) -> None:
    faster = replace(board, bandwidth_gb_s=board.bandwidth_gb_s * factor)
    layer = random_mask("", shape, sparsity)
    before, after = (best_sparse_time(one, layer, precision) for one in (board, faster))
    assert before is not None
    assert after is not None
    assert after.total_ms <= before.total_ms * (1 + 1e-12)
    dense = (dense_time(one, shape, precision).total_ms for one in (faster, board))
    assert next(dense) <= next(dense) * (1 + 1e-12)


@given(boards, shapes(), precisions, st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_time_is_its_largest_limit_and_the_launch(
    board: Board, shape: ConvShape, precision: str, sparsity: float
) -> None:
    time = best_sparse_time(board, random_mask("", shape, sparsity), precision)
    assert time is not None
    limits = (time.issue_ms, time.fma_ms, time.shared_ms, time.memory_ms)
    assert time.total_ms == max(limits) + time.launch_ms
    assert min(limits) >= 0


@given(shapes(), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_columns_are_those_of_the_packer(shape: ConvShape, sparsity: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal(shape.weight_shape).astype(np.float32)
    weight[rng.random(weight.shape) < sparsity] = 0
    layer = masked_conv("layer", shape, weight)
    assert layer.kept == np.count_nonzero(weight)
    for vector in VECTOR_LENGTHS:
        packed = pack(weight, vector=vector, channel_tile=8, conv_groups=shape.groups)
        assert layer.columns[vector] == packed.columns


@pytest.mark.parametrize("together", [1, 4, 32])
def test_a_random_mask_is_what_random_weights_give(together: int) -> None:
    shape, rng = _square(64, 64, 8, 3), np.random.default_rng(0)
    outputs, inputs, height, width = shape.weight_shape
    vectors = rng.random((outputs // together, inputs, height, width)) >= 0.9
    drawn = masked_conv("", shape, np.repeat(vectors, together, axis=0))
    expected = random_mask("", shape, 0.9, together)
    for vector in VECTOR_LENGTHS:
        assert drawn.columns[vector] == pytest.approx(expected.columns[vector], rel=0.1)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("jetson-orin-nano-super", 0.86, 0.955),
        ("jetson-orin-nx-16gb", 0.86, 0.955),
        ("jetson-agx-orin-64gb", 0.86, 0.955),
        ("jetson-thor-t5000", 0.89, 0.965),
        ("jetson-xavier-nx", 0.68, 0.92),
        ("jetson-nano", 0.72, 0.95),
    ],
)
def test_break_even_is_where_dense_kernels_put_it(name: str, least: float, most: float) -> None:
    board = find_board(name)
    found = [break_even(board, shape, good=good) for shape in LAYERS for good in (False, True)]
    assert None not in found
    *usual, _, wide = found
    assert all(least <= (one or 0) <= most for one in usual), usual
    # The last layer reads 2 MB of weights for 49 pixels: what memory is saved counts there.
    assert least - 0.08 <= (wide or 0) <= most


@pytest.mark.parametrize("name", board_names())
def test_the_gate_asks_for_more_than_to_break_even(name: str) -> None:
    board = find_board(name)
    for shape in LAYERS:
        even, gate = break_even(board, shape), gate_sparsity(board, shape)
        assert even is not None
        assert gate is None or gate > even


def test_whole_columns_break_even_earlier_than_single_weights() -> None:
    orin = find_board("jetson-agx-orin-64gb")
    for shape in LAYERS:
        found = [break_even(orin, shape, vector=v, kernels=KERNELS) for v in (1, 4, 8, 32)]
        assert None not in found
        assert found == sorted(found, key=lambda one: -(one or 0))


def test_tensor_cores_serve_masks_of_whole_columns_only() -> None:
    orin, shape = find_board("jetson-agx-orin-64gb"), LAYERS[0]
    weight = np.zeros(shape.weight_shape, dtype=np.float32)
    weight.reshape(2, 32, -1)[:, :, ::8] = 1.0
    columns = best_sparse_time(orin, masked_conv("", shape, weight), "fp16", KERNELS)
    scattered = best_sparse_time(orin, random_mask("", shape, 7 / 8), "fp16", KERNELS)
    assert columns is not None
    assert columns.launch.kernel == TENSOR_KERNEL
    assert scattered is not None
    assert scattered.launch.kernel == CUDA_KERNEL
    assert columns.total_ms < dense_time(orin, shape, "fp16").total_ms < scattered.total_ms


@pytest.mark.parametrize(
    ("board", "precision"),
    [("jetson-nano", "fp16"), ("jetson-xavier-nx", "fp16"), ("jetson-thor-t5000", "fp32")],
)
def test_there_is_no_tensor_core_kernel_before_sm_80_nor_in_fp32(
    board: str, precision: str
) -> None:
    layer = random_mask("", LAYERS[0], 0.9)
    assert not list(tensor_core_times(find_board(board), layer, precision))


def test_dense_uses_winograd_only_where_it_exists() -> None:
    nano, plain = find_board("jetson-nano"), LAYERS[0]
    assert dense_time(nano, plain, "fp16").winograd
    assert not dense_time(nano, replace(plain, stride=(2, 2)), "fp16").winograd
    assert not dense_time(nano, LAYERS[3], "fp16").winograd
    orin = dense_time(find_board("jetson-agx-orin-64gb"), plain, "fp16")
    assert (orin.units, orin.winograd) == ("tensor cores", False)


def test_fp32_is_tf32_where_tensor_cores_have_it() -> None:
    orin, xavier = find_board("jetson-agx-orin-64gb"), find_board("jetson-agx-xavier")
    assert dense_time(orin, LAYERS[0], "fp32").units == "tensor cores"
    assert dense_time(xavier, LAYERS[0], "fp32").units == "CUDA cores"
    half, single = (dense_time(orin, LAYERS[0], name).compute_ms for name in ("fp16", "fp32"))
    assert single == pytest.approx(2 * half)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(UnknownPrecisionError, match="precision fp8: use fp32, fp16, int8"):
        dense_time(find_board("jetson-nano"), LAYERS[0], "fp8")
