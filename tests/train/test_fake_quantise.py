"""Fake INT8: values as numpy has them, gradients as the papers have them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor

from edgeprune.train.fake_quantise import fake_input, fake_weight


def _in_numpy(x: np.ndarray, scale: np.ndarray, lowest: int) -> np.ndarray:
    levels = np.clip(np.rint(x / scale), lowest, 127).astype(np.int8)
    return levels.astype(np.float32) * scale


@settings(max_examples=100, deadline=None)
@given(
    x=arrays.arrays(np.float32, (3, 5), elements=st.floats(-50, 50, width=32)),
    scale=st.floats(0.0078125, 2.0, width=32),
)
def test_inputs_are_what_onnx_reads_back(x: np.ndarray, scale: float) -> None:
    found = fake_input(torch.from_numpy(x), torch.tensor(scale))
    np.testing.assert_array_equal(found.numpy(), _in_numpy(x, np.float32(scale), -128))


def test_ties_go_to_the_even_level_and_the_ends_are_minus_128_and_127() -> None:
    x = torch.tensor([0.5, 1.5, -0.5, -2.5, 126.6, 500.0, -128.4, -500.0])
    expected = [0.0, 2.0, -0.0, -2.0, 127.0, 127.0, -128.0, -128.0]
    assert fake_input(x, torch.tensor(1.0)).tolist() == expected


@pytest.mark.parametrize(("shape", "axis"), [((6, 3, 3, 3), 0), ((4, 7), 0), ((3, 5, 2, 2), 1)])
def test_weights_have_a_grid_per_output_channel(shape: tuple[int, ...], axis: int) -> None:
    weight = torch.randn(shape) * torch.logspace(-3, 3, shape[0]).view(-1, *[1] * (len(shape) - 1))
    found = fake_weight(weight, axis).numpy()
    for channel in range(shape[axis]):
        part = weight.numpy().take(channel, axis)
        scale = np.abs(part).max() / np.float32(127)
        levels = found.take(channel, axis) / scale
        np.testing.assert_array_equal(
            found.take(channel, axis), _in_numpy(part, scale.astype(np.float32), -127)
        )
        assert np.abs(levels).max() == pytest.approx(127)
        assert np.abs(found.take(channel, axis) - part).max() <= scale * 0.5001


def test_zeros_and_channels_of_zeros_stay() -> None:
    weight = torch.randn(4, 8)
    weight[1] = 0.0
    weight[2, ::2] = 0.0
    found = fake_weight(weight, 0)
    assert found.isfinite().all()
    assert torch.equal(found[1], weight[1])
    assert not found[2, ::2].any()


def test_scaling_an_output_channel_leaves_its_levels() -> None:
    """Why a batch norm need not be folded while training."""
    weight = torch.randn(4, 8)
    gamma = torch.tensor([0.5, -2.0, 4.0, -0.25]).view(4, 1)  # exact factors
    assert torch.equal(fake_weight(weight * gamma, 0), fake_weight(weight, 0) * gamma)


def test_the_gradient_of_weights_passes_straight_through() -> None:
    weight = torch.randn(4, 8, requires_grad=True)
    arriving = torch.randn(4, 8)
    fake_weight(weight, 0).backward(arriving)
    assert torch.equal(weight.grad, arriving)


def _lsq(x: np.ndarray, scale: float, arriving: np.ndarray) -> tuple[np.ndarray, float]:
    """Esser et al. 2020, eq. 3 and 5, with g = 1 / sqrt(N * Q_P), in float64."""
    v = x.astype(np.float64) / scale
    of_scale = np.where(v <= -128, -128.0, np.where(v >= 127, 127.0, -v + np.rint(v)))
    of_values = np.where((v > -128) & (v < 127), arriving, 0.0)
    balance = 1.0 / np.sqrt(x[0].size * 127)
    return of_values, float((of_scale * arriving).sum() * balance)


@settings(max_examples=60, deadline=None)
@given(
    x=arrays.arrays(np.float32, (2, 3, 4), elements=st.floats(-40, 40, width=32)),
    arriving=arrays.arrays(np.float32, (2, 3, 4), elements=st.floats(-4, 4, width=32)),
    scale=st.sampled_from([0.125, 0.25, 0.5, 1.0]),  # v is then exact in float32 too
)
def test_gradients_of_inputs_are_lsqs(x: np.ndarray, arriving: np.ndarray, scale: float) -> None:
    values = torch.from_numpy(x).requires_grad_()
    step = torch.tensor(scale, requires_grad=True)
    fake_input(values, step).backward(torch.from_numpy(arriving))
    of_values, of_scale = _lsq(x, scale, arriving)
    np.testing.assert_array_equal(values.grad.numpy(), of_values)
    assert step.grad.item() == pytest.approx(of_scale, rel=1e-4, abs=1e-4)


def test_clipped_values_get_no_gradient_and_pull_at_the_scale() -> None:
    values = torch.tensor([[200.0, -200.0, 3.25, 127.0, -128.0]], requires_grad=True)
    step = torch.tensor(1.0, requires_grad=True)
    fake_input(values, step).sum().backward()
    assert values.grad.tolist() == [[0.0, 0.0, 1.0, 0.0, 0.0]]
    expected = (127 - 128 + (3 - 3.25) + 127 - 128) / np.sqrt(5 * 127)
    assert step.grad.item() == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_quantised_in_float32(dtype: torch.dtype) -> None:
    values = torch.randn(2, 3, 4, 4).to(dtype).requires_grad_()
    step = torch.tensor(0.0123, requires_grad=True)
    found = fake_input(values, step)
    assert found.dtype == dtype
    assert torch.equal(found, fake_input(values.float(), step).to(dtype))
    found.float().sum().backward()
    assert (values.grad.dtype, step.grad.dtype) == (dtype, torch.float32)


def test_the_layout_stays() -> None:
    values: Tensor = torch.randn(2, 4, 3, 3).contiguous(memory_format=torch.channels_last)
    for found in (fake_input(values, torch.tensor(0.1)), fake_weight(values, 0)):
        assert found.is_contiguous(memory_format=torch.channels_last)
