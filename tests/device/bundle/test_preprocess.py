"""Users' arrays become what the networks were trained on, whatever their layout."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import BundleInput
from edgeprune.device.bundle.plain_arrays import prepare_plain
from edgeprune.device.bundle.preprocess import prepare

RGB = BundleInput("input", (3, 4, 5), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
GREY = BundleInput("input", (1, 8, 8), (0.3,), (0.4,))


def _images(given: BundleInput, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *given.shape), np.uint8)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 3), grey=st.booleans())
def test_it_is_the_preprocessing_of_training(seed: int, count: int, grey: bool) -> None:
    given = GREY if grey else RGB
    images = _images(given, count, seed)
    assert given.mean is not None
    assert given.std is not None
    trained = Preprocessing(given.mean, given.std, (given.shape[1], given.shape[2]), given.shape[0])
    exact = trained.normalise(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(prepare(images, given), exact, rtol=0, atol=1e-6)
    plain = [prepare_plain(image.ravel().tolist(), given) for image in images]
    np.testing.assert_allclose(np.reshape(plain, exact.shape), exact, rtol=0, atol=1e-6)


def test_layouts_are_told_apart() -> None:
    images = _images(RGB, 2)
    exact = prepare(images, RGB)
    np.testing.assert_array_equal(prepare(images.transpose(0, 2, 3, 1), RGB), exact)
    np.testing.assert_array_equal(prepare(images[0], RGB), exact[:1])
    np.testing.assert_array_equal(prepare(images[0].transpose(1, 2, 0), RGB), exact[:1])
    grey = _images(GREY, 3)
    np.testing.assert_array_equal(prepare(grey[:, 0], GREY), prepare(grey, GREY))
    np.testing.assert_array_equal(prepare(grey[0, 0], GREY), prepare(grey[:1], GREY))


@pytest.mark.parametrize("shape", [(2, 3, 4, 6), (4, 5), (0, 3, 4, 5), (2, 4, 4, 5)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BundleError, match="give") as told:
        prepare(np.zeros(shape, np.uint8), RGB)
    assert told.value.exit_code == 2


def test_floats_are_taken_as_they_are_only_where_nothing_is_stored() -> None:
    with pytest.raises(BundleError, match="give uint8"):
        prepare(np.zeros((2, 3, 4, 5), np.float32), RGB)
    raw = BundleInput("input", (7,), None, None)
    values = np.arange(14, dtype=np.float32).reshape(2, 7)
    np.testing.assert_array_equal(prepare(values, raw), values)
    np.testing.assert_array_equal(prepare(values[0], raw), values[:1])
    with pytest.raises(BundleError, match="float32"):
        prepare(values.astype(np.float64), raw)
