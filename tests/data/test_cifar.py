"""CIFAR folders in the official layout, made by hand."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeprune.data import load_data
from edgeprune.errors import CorruptFileError, UserInputError


def _rows(count: int) -> np.ndarray:
    return (np.arange(count * 3072) % 253).astype(np.uint8).reshape(count, 3072)


def _write(path: Path, content: dict[bytes, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=3))


def _cifar10(root: Path) -> Path:
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        _write(root / name, {b"data": _rows(20), b"labels": [i % 10 for i in range(20)]})
    _write(root / "batches.meta", {b"label_names": [f"kind {i}".encode() for i in range(10)]})
    return root


def _cifar100(root: Path) -> Path:
    for name, count in (("train", 400), ("test", 100)):
        labels = [i % 100 for i in range(count)]
        coarse = [i % 20 for i in range(count)]
        content = {b"data": _rows(count), b"fine_labels": labels, b"coarse_labels": coarse}
        _write(root / name, content)
    _write(root / "meta", {b"fine_label_names": [f"kind {i}".encode() for i in range(100)]})
    return root


@pytest.mark.parametrize("nested", [False, True])
def test_cifar10_is_read(tmp_path: Path, nested: bool) -> None:
    _cifar10(tmp_path / "cifar-10-batches-py" if nested else tmp_path)
    data = load_data(f"cifar10:{tmp_path}", seed=0)
    assert [data.size(split) for split in ("train", "val", "test")] == [90, 10, 20]
    assert data.classes[3] == "kind 3"
    assert data.preprocessing.mean == (0.4914, 0.4822, 0.4465)
    batch = next(data.batches("test", batch_size=20))
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
    )
    pixels = (batch.inputs[0] * std + mean) * 255
    expected = torch.from_numpy(_rows(20)).view(20, 3, 32, 32).float()
    torch.testing.assert_close(pixels, expected, atol=1e-3, rtol=0)
    assert batch.targets.tolist() == [i % 10 for i in range(20)]


def test_cifar100_has_the_fine_labels(tmp_path: Path) -> None:
    data = load_data(f"cifar100:{_cifar100(tmp_path)}", seed=0, val_fraction=0.25)
    assert len(data.classes) == 100
    assert [data.size(split) for split in ("train", "val", "test")] == [300, 100, 100]
    val = torch.cat([batch.targets for batch in data.batches("val", batch_size=64)])
    assert torch.bincount(val).tolist() == [1] * 100


@pytest.mark.parametrize(("make", "kind"), [(_cifar10, "cifar100"), (_cifar100, "cifar10")])
def test_the_other_edition_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], kind: str
) -> None:
    with pytest.raises(UserInputError, match="official Python version"):
        load_data(f"{kind}:{make(tmp_path)}", seed=0)


def test_class_folders_get_a_hint(tmp_path: Path) -> None:
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(UserInputError, match=f"give imagefolder:{tmp_path}"):
        load_data(f"cifar10:{tmp_path}", seed=0)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({b"labels": [0] * 20}, "has no 'data'"),
        ({b"data": _rows(20)}, "has no 'labels'"),
        ({b"data": _rows(20), b"labels": [0] * 19}, "expected 19x3072"),
        ({b"data": _rows(20)[:, :100], b"labels": [0] * 20}, "expected 20x3072"),
        ({b"data": _rows(20).astype(np.float32), b"labels": [0] * 20}, "not an array of bytes"),
        ({b"data": b"x" * 20 * 3072, b"labels": [0] * 20}, "not an array of bytes"),
        ({b"data": _rows(20), b"labels": [0] * 19 + [10]}, "from 0 to 9"),
        ({b"data": _rows(20), b"labels": [0] * 19 + [-1]}, "from 0 to 9"),
        ({b"data": _rows(20), b"labels": [0] * 19 + [1 << 70]}, "from 0 to 9"),
        ({b"data": _rows(20), b"labels": [0] * 19 + [0.5]}, "from 0 to 9"),
        ({b"data": _rows(20), b"labels": "0" * 20}, "from 0 to 9"),
    ],
)
def test_faulty_batches_are_named(tmp_path: Path, content: dict[bytes, object], named: str) -> None:
    _write(_cifar10(tmp_path) / "data_batch_2", content)
    with pytest.raises(CorruptFileError, match=f"data_batch_2: .*{named}") as caught:
        load_data(f"cifar10:{tmp_path}", seed=0)
    assert "\n" not in str(caught.value)


def test_faulty_names_are_refused(tmp_path: Path) -> None:
    _write(_cifar10(tmp_path) / "batches.meta", {b"label_names": [1, 2, 3]})
    with pytest.raises(CorruptFileError, match="label names"):
        load_data(f"cifar10:{tmp_path}", seed=0)
