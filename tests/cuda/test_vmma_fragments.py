"""The emulated mma.m16n8k16 multiplies matrices that lie in registers as the PTX ISA says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sparse_harness.emulator import EmulationError, Emulator
from sparse_harness.vmma_cases import multiply_fragments

LANE = np.arange(32)[:, None]
GROUP, THREAD = LANE // 4, LANE % 4  # groupID and threadID_in_group


def a_places() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of a0 to a7 of every lane."""
    i = np.arange(8)[None, :]
    upper = (i < 2) | ((i >= 4) & (i < 6))
    return np.where(upper, GROUP, GROUP + 8), THREAD * 2 + (i & 1) + np.where(i < 4, 0, 8)


def b_places() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of b0 to b3."""
    i = np.arange(4)[None, :]
    return THREAD * 2 + (i & 1) + np.where(i < 2, 0, 8), GROUP + 0 * i


def c_places() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of c0 to c3."""
    i = np.arange(4)[None, :]
    return np.where(i < 2, GROUP, GROUP + 8), THREAD * 2 + (i & 1)


def test_places_hold_every_number_once() -> None:
    for places, shape in ((a_places(), (16, 16)), (b_places(), (16, 8)), (c_places(), (16, 8))):
        flat = np.ravel_multi_index(places, shape).ravel()
        assert sorted(flat) == list(range(shape[0] * shape[1]))


@pytest.mark.parametrize("seed", range(5))
def test_equals_matrix_multiplication(vmma: Emulator, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((16, 16)).astype(np.float16)
    b = rng.standard_normal((16, 8)).astype(np.float16)
    c = rng.standard_normal((16, 8)).astype(np.float32)
    d = multiply_fragments(vmma, a[a_places()], b[b_places()], c[c_places()])
    expected = a.astype(np.float64) @ b.astype(np.float64) + c
    np.testing.assert_allclose(d, expected[c_places()], rtol=1e-6, atol=1e-6)


def test_half_a_step_multiplies_half_of_the_columns(vmma: Emulator) -> None:
    """By mma.m16n8k8: a0 to a3 are rows l / 4 and 8 more, of columns 2 (l % 4) and the next one."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((16, 16)).astype(np.float16)
    b = rng.standard_normal((16, 8)).astype(np.float16)
    c = rng.standard_normal((16, 8)).astype(np.float32)
    d = multiply_fragments(vmma, a[a_places()], b[b_places()], c[c_places()], half=True)
    expected = a[:, :8].astype(np.float64) @ b[:8].astype(np.float64) + c
    np.testing.assert_allclose(d, expected[c_places()], rtol=1e-6, atol=1e-6)


def test_sums_are_float32(vmma: Emulator) -> None:
    a, b = np.full((16, 16), 64, np.float16), np.full((16, 8), 64, np.float16)
    c = np.full((16, 8), 2.0**-10, np.float32)
    d = multiply_fragments(vmma, a[a_places()], b[b_places()], c[c_places()])
    np.testing.assert_array_equal(d, np.float32(65536 + 2.0**-10))


def test_a_lane_that_is_missing_is_told(vmma: Emulator) -> None:
    a, b, c = np.ones((32, 8), np.float16), np.ones((32, 4), np.float16), np.ones((32, 4))
    with pytest.raises(EmulationError, match="names a lane that has ended"):
        multiply_fragments(vmma, a, b, c.astype(np.float32), absent=1)
