"""Symmetric INT8: scales, and weights as integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 127  # of 128: both signs reach as far
_LEAST_HALF = float(np.finfo(np.float16).smallest_subnormal)
_MOST_HALF = float(np.finfo(np.float16).max)
_LEAST_SINGLE = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class IntegerWeight:
    """A weight as INT8.

    Attributes:
        values: int8, the weight's shape; in [-127, 127].
        scales: float32, one per output channel; a weight is about `values * scales`.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def quantise_weight(weight: NDArray[np.float32], axis: int, *, half_scales: bool) -> IntegerWeight:
    """A weight as INT8 with a scale per output channel: max|w| / 127.

    Args:
        axis: of the output channels.
        half_scales: give scales that FP16 holds exactly, so that the product is the same there.
    """
    others = tuple(number for number in range(weight.ndim) if number != axis % weight.ndim)
    largest = np.abs(weight).max(axis=others).astype(np.float64)
    scales = np.where(largest > 0, largest / LEVELS, 1.0)
    stored = as_half(scales) if half_scales else _as_single(scales)
    shape = [1] * weight.ndim
    shape[axis] = -1
    steps = np.rint(weight.astype(np.float64) / stored.reshape(shape).astype(np.float64))
    return IntegerWeight(np.clip(steps, -LEVELS, LEVELS).astype(np.int8), stored)


def activation_scale(threshold: float, *, half_scales: bool) -> float:
    """The step of an activation that is cut off at +-`threshold`; 1 for one that is always 0."""
    scale = np.array([threshold / LEVELS if threshold > 0 else 1.0])
    return float((as_half(scale) if half_scales else _as_single(scale))[0])


def as_half(scales: NDArray[np.float64]) -> NDArray[np.float32]:
    """The nearest FP16 numbers not below, so that no weight is cut off; never 0.

    Those beyond FP16's range stay as they are: their nodes stay FP32.
    """
    near = np.minimum(scales, _MOST_HALF).astype(np.float16)
    above = np.nextafter(near, np.float16(_MOST_HALF))
    up = np.where(near.astype(np.float64) < scales, above, near)
    held = np.where(scales > _MOST_HALF, _as_single(scales), up.astype(np.float32))
    stored: NDArray[np.float32] = np.maximum(held, np.float32(_LEAST_HALF))
    return stored


def _as_single(scales: NDArray[np.float64]) -> NDArray[np.float32]:
    """FP32 numbers that can be divided by, on GPUs that take denormal ones for 0 too."""
    stored: NDArray[np.float32] = np.maximum(scales.astype(np.float32), _LEAST_SINGLE)
    return stored
