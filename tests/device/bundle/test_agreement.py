"""Agreement of outputs, and arrays without numpy."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.device.bundle.agreement import compare
from edgeprune.device.bundle.array_agreement import compare_arrays
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.plain_arrays import read_npy

EXACT = [[1.0, -2.0, 3.0], [0.5, 0.25, -0.5]]


def test_equal_outputs_have_no_ratio() -> None:
    found = compare(EXACT, EXACT, "fp32")
    assert found.kept
    assert (found.snr_db, found.max_abs_error, found.same_class_percent) == (None, 0.0, 100.0)


@given(noise=st.floats(1e-6, 10.0), seed=st.integers(0, 1000))
def test_noise_in_decibels(noise: float, seed: int) -> None:
    exact = np.random.default_rng(seed).normal(size=(20, 50))
    error = np.random.default_rng(seed + 1).normal(size=(20, 50)) * noise
    found = compare(exact.tolist(), (exact + error).tolist(), "fp16")
    arrays = compare_arrays(exact, exact + error, "fp16")
    assert arrays.snr_db == pytest.approx(found.snr_db)
    assert arrays.max_abs_error == pytest.approx(found.max_abs_error)
    assert (arrays.same_class_percent, arrays.kept) == (found.same_class_percent, found.kept)
    wanted = 10 * math.log10(np.sum(exact**2) / np.sum(error**2))
    assert found.snr_db == pytest.approx(wanted, abs=1e-3)
    assert found.kept == (found.snr_db >= 35.0)


@pytest.mark.parametrize("wrong", [
    [[1.0, -2.0, math.nan], EXACT[1]], [[1.0, -2.0], EXACT[1]], EXACT[:1],
])  # fmt: skip
def test_what_is_not_finite_or_of_another_shape_is_not_kept(wrong: list[list[float]]) -> None:
    found = compare(EXACT, wrong, "int8")
    assert not found.kept
    assert found.max_abs_error is None
    if len(wrong[0]) == 3:
        assert compare_arrays(np.array(EXACT), np.array(wrong), "int8") == found


def test_maps_are_compared_without_a_class() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, 5, 7))
    found = compare_arrays(maps, maps, "fp32")
    assert (found.snr_db, found.same_class_percent, found.kept) == (None, None, True)


def test_another_networks_outputs_are_not_kept() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.normal(size=(2, 32, 10)).tolist()
    assert not compare(one, other, "int8").kept


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_arrays_are_read_without_numpy(tmp_path: Path, kind: type) -> None:
    values = (np.arange(24) * 7 % 251).astype(kind).reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", values)
    found = read_npy(tmp_path / "a.npy")
    assert found.shape == (2, 3, 4)
    assert list(found.sample(1)) == values[1].ravel().tolist()


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01\x00\x05\x00{", b"no array at all"])
def test_damaged_arrays(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(damage)
    with pytest.raises(BundleError, match="deploy the run again"):
        read_npy(path)
    np.save(path, np.arange(6, dtype=np.float32))
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(BundleError, match="is no array"):
        read_npy(path)
