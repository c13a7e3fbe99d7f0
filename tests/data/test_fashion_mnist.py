"""IDX files and Fashion-MNIST's folder."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeprune.data import fashion_mnist, load_data
from edgeprune.data.idx import read_idx
from edgeprune.errors import CorruptFileError, UserInputError


def _idx(values: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.astype(np.uint8).tobytes()


def _folder(root: Path, compressed: bool, side: int = 28, classes: int = 10) -> Path:
    for prefix, count in (("train", 40), ("t10k", 20)):
        images = np.arange(count * side * side).reshape(count, side, side) % 251
        for name, values in (("images-idx3", images), ("labels-idx1", np.arange(count) % classes)):
            path = root / f"{prefix}-{name}-ubyte{'.gz' if compressed else ''}"
            path.write_bytes(gzip.compress(_idx(values)) if compressed else _idx(values))
    return root


@pytest.mark.parametrize("compressed", [False, True])
def test_a_folder_is_read_plain_or_gzipped(tmp_path: Path, compressed: bool) -> None:
    data = load_data(f"fashion-mnist:{_folder(tmp_path, compressed)}", seed=0, val_fraction=0.25)
    assert [data.size(split) for split in ("train", "val", "test")] == [30, 10, 20]
    batch = next(data.batches("test", batch_size=20))
    assert batch.targets.tolist() == [*range(10), *range(10)]
    pixels = batch.inputs[0] * data.preprocessing.std[0] + data.preprocessing.mean[0]
    expected = torch.arange(20 * 28 * 28).view(20, 1, 28, 28) % 251
    torch.testing.assert_close(pixels * 255, expected.float(), atol=1e-3, rtol=0)


def test_image_size_resizes(tmp_path: Path) -> None:
    root = _folder(tmp_path, compressed=False)
    data = load_data(f"fashion-mnist:{root}", seed=0, val_fraction=0.25, image_size=32)
    assert data.example_inputs(2)[0].shape == (2, 1, 32, 32)
    assert data.preprocessing.image_size == (32, 32)


def test_missing_files_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path)
    with pytest.raises(UserInputError, match="apt-get install dataset-fashion-mnist"):
        load_data("fashion-mnist", seed=0)


@pytest.mark.skipif(
    not fashion_mnist.DEBIAN_FOLDER.is_dir(), reason="needs Debian's dataset-fashion-mnist"
)
def test_debians_package_is_read() -> None:
    data = load_data("fashion-mnist", seed=0, train_limit=20_000)
    assert [data.size(split) for split in ("train", "val", "test")] == [20_000, 6_000, 10_000]
    targets = torch.cat([batch.targets for batch in data.batches("train", batch_size=4096)])
    assert torch.bincount(targets).tolist() == [2000] * 10
    assert data.classes[9] == "Ankle boot"
    assert abs(data.preprocessing.mean[0] - 0.286) < 0.002
    assert abs(data.preprocessing.std[0] - 0.353) < 0.002


@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_files_are_named(tmp_path: Path, compressed: bool) -> None:
    root = _folder(tmp_path, compressed)
    path = next(root.glob("train-images*"))
    whole = path.read_bytes()
    for length in (0, 2, 10, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptFileError, match="train-images"):
            load_data(f"fashion-mnist:{root}", seed=0)


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x00\x0d\x03" + bytes(12),
        b"\x00\x00\x08\x01" + bytes(4),
        b"\x00\x00\x08\x03" + b"\xff" * 12,
        b"\x00\x00\x08\x03" + struct.pack(">3I", 1, 2, 2) + bytes(5),
        b"\x1f\x8b" + bytes(30),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="x: "):
        read_idx(path, 3)


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="20x20"):
        load_data(f"fashion-mnist:{_folder(tmp_path, False, side=20)}", seed=0)


def test_labels_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="labels run from 0 to 11"):
        load_data(f"fashion-mnist:{_folder(tmp_path, False, classes=12)}", seed=0)
