"""Image files reach the model as the training's decoder would have made them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeprune.data.decode import decode_image
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.image_file import read_samples

SHAPE = (3, 16, 16)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 40 x 24 pixels."""
    rows = np.add.outer(np.arange(24) * 5, np.arange(40) * 3)
    pixels = np.stack([rows, rows[::-1], 255 - rows], axis=-1).astype(np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def _without_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIL", "PIL.Image", "cv2"):
        monkeypatch.setitem(sys.modules, name, None)


def test_as_in_training(photo: Path) -> None:
    found = read_samples(photo, SHAPE)
    assert found.shape == (1, 16, 16, 3)
    np.testing.assert_array_equal(found[0], decode_image(photo.read_bytes(), 16))
    grey = read_samples(photo, (1, 16, 16))
    exact = np.asarray(Image.fromarray(found[0]).convert("L"), np.int16)
    assert np.abs(grey[0, :, :, 0].astype(np.int16) - exact).max() <= 1


def test_portable_pixmaps_need_no_decoder(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = decode_image(photo.read_bytes(), 16)
    header = b"P6\n# made by hand\n16 16\n255\n"
    path = tmp_path / "photo.ppm"
    path.write_bytes(header + exact.tobytes())
    _without_decoders(monkeypatch)
    np.testing.assert_array_equal(read_samples(path, SHAPE)[0], exact)
    with pytest.raises(BundleError, match="needs Pillow or OpenCV"):
        read_samples(photo, SHAPE)
    with pytest.raises(BundleError, match="is 16 x 16, the models take 8 x 8"):
        read_samples(path, (3, 8, 8))


def test_arrays_and_what_is_none(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.uint8)
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read_samples(tmp_path / "a.npy", SHAPE), values)
    (tmp_path / "b.npy").write_bytes(b"no array")
    (tmp_path / "c.png").write_bytes(b"no image")
    for name, why in (("b.npy", "no array"), ("c.png", "no image"), ("d.png", "no such file")):
        with pytest.raises(BundleError, match=why):
            read_samples(tmp_path / name, SHAPE)
    with pytest.raises(BundleError, match="take no images"):
        read_samples(tmp_path / "c.png", (7,))
