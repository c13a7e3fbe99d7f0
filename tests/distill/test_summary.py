"""Pooled vectors and energies, their gradients, and the pooling of energy maps."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgeprune.distill.pooling import pool_to
from edgeprune.distill.summary import summarise

SHAPES = {"map": (2, 3, 4, 5), "stack": (2, 4, 3)}


def _reduced(features: Tensor) -> tuple[Tensor, Tensor]:
    summary = summarise(features)
    assert summary.energy is not None
    return summary.pooled, summary.energy


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("channels_last", [True, False])
def test_gradient_is_right(kind: str, channels_last: bool) -> None:
    features = torch.randn(SHAPES[kind], dtype=torch.float64)
    if channels_last and features.ndim == 4:
        features = features.to(memory_format=torch.channels_last)
    assert torch.autograd.gradcheck(_reduced, features.requires_grad_())


def test_gradient_of_a_dead_map_is_that_of_its_mean() -> None:
    features = torch.zeros(2, 3, 4, 4, requires_grad=True)
    pooled, energy = _reduced(features)
    (pooled.sum() + energy.sum()).backward()
    assert features.grad is not None
    torch.testing.assert_close(features.grad, torch.full_like(features, 1 / 16))


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 6)] * 4),
    channels_last=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16]),
)
def test_is_mean_and_mean_square(
    shape: tuple[int, ...], channels_last: bool, dtype: torch.dtype
) -> None:
    features = torch.randn(shape).to(dtype)
    if channels_last:
        features = features.to(memory_format=torch.channels_last)
    pooled, energy = _reduced(features)
    exact = features.double()
    expected_dtype = torch.float64 if dtype == torch.float64 else torch.float32
    assert pooled.dtype == energy.dtype == expected_dtype
    torch.testing.assert_close(pooled.double(), exact.mean((2, 3)), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(energy.double(), exact.square().mean(1), rtol=1e-5, atol=1e-6)


def test_gradient_keeps_the_memory_format() -> None:
    features = torch.randn(2, 8, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(_reduced(features)[1].sum(), features)
    assert gradient.is_contiguous(memory_format=torch.channels_last)


@settings(max_examples=40, deadline=None)
@given(
    positions=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    wanted=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_pooling_is_adaptive_average_pooling(
    positions: tuple[int, int], wanted: tuple[int, int]
) -> None:
    maps = torch.randn(2, 3, *positions, dtype=torch.float64)
    torch.testing.assert_close(pool_to(maps, wanted), F.adaptive_avg_pool2d(maps, wanted))
    rows = maps[..., 0]
    torch.testing.assert_close(pool_to(rows, wanted[:1]), F.adaptive_avg_pool1d(rows, wanted[0]))
