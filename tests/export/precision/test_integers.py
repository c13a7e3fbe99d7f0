"""Symmetric INT8: scales and integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeprune.export.precision.integers import activation_scale, as_half, quantise_weight

weights = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
    elements=st.floats(-8.0, 8.0, width=32),
)


@given(weights, st.booleans(), st.integers(0, 1))
def test_every_weight_is_within_half_a_step(
    weight: np.ndarray, half_scales: bool, axis: int
) -> None:
    found = quantise_weight(weight, axis, half_scales=half_scales)
    shape = [1] * weight.ndim
    shape[axis] = -1
    steps = found.scales.reshape(shape)
    assert found.values.dtype == np.int8
    assert np.abs(found.values.astype(int)).max(initial=0) <= 127
    assert (np.abs(found.values * steps - weight) <= 0.5001 * steps).all()


@given(weights)
def test_the_largest_weight_of_a_channel_becomes_127(weight: np.ndarray) -> None:
    found = quantise_weight(weight, 0, half_scales=False)
    flat = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
    largest = np.abs(found.values.reshape(len(weight), -1).astype(int)).max(axis=1)
    usual = flat > 1e-30
    assert (largest[usual] == 127).all()
    assert (largest[flat == 0] == 0).all()
    assert (found.scales > 0).all()


@given(st.floats(1e-7, 100.0))
def test_half_scales_are_fp16_numbers_and_never_smaller(scale: float) -> None:
    found = as_half(np.array([scale]))[0]
    assert np.float32(np.float16(found)) == found
    assert scale <= found <= scale * 1.002 + 6e-8


@pytest.mark.parametrize("half_scales", [True, False])
def test_a_value_that_is_always_zero_gets_a_usable_scale(half_scales: bool) -> None:
    assert activation_scale(0.0, half_scales=half_scales) == 1.0
    assert activation_scale(127.0, half_scales=half_scales) == 1.0


@pytest.mark.parametrize("half_scales", [True, False])
def test_weights_that_decayed_to_denormal_numbers(half_scales: bool) -> None:
    weight = np.array([[1e-45, -1e-44], [1e-40, 0.0], [1.0, -0.5]], dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        found = quantise_weight(weight, 0, half_scales=half_scales)
    assert (found.scales >= np.finfo(np.float32).tiny).all()
    assert found.values[2].tolist() == [127, -63 if half_scales else -64]
    assert activation_scale(1e-44, half_scales=half_scales) >= np.finfo(np.float32).tiny


def test_scales_beyond_fp16_stay_finite() -> None:
    assert activation_scale(127 * 1e5, half_scales=True) == 1e5
    assert activation_scale(127 * 65504.0, half_scales=True) == 65504.0
