"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from the pickles of the official Python version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeprune.data.samples import MemorySamples
from edgeprune.data.source import Labelled, Source
from edgeprune.data.unpickle import load_plain_pickle
from edgeprune.errors import CorruptFileError, UserInputError

_ROW = 3 * 32 * 32


@dataclass(frozen=True)
class _Edition:
    name: str
    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels: bytes
    label_names: bytes
    mean: tuple[float, ...]
    std: tuple[float, ...]


_CIFAR10 = _Edition(
    name="cifar10",
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
    labels=b"labels",
    label_names=b"label_names",
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)
_CIFAR100 = _Edition(
    name="cifar100",
    folder="cifar-100-python",
    train=("train",),
    test="test",
    meta="meta",
    labels=b"fine_labels",
    label_names=b"fine_label_names",
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
)


def load_cifar10(folder: Path, image_size: int | None = None) -> Source:
    """Read `data_batch_1` … `data_batch_5`, `test_batch` and `batches.meta`.

    Args:
        folder: the folder of these files, or the one that holds `cifar-10-batches-py`.
        image_size: resize the 32 x 32 images.

    Raises:
        UserInputError: when a file is missing.
        CorruptFileError: when a file is damaged, or holds more than plain data.
    """
    return _load(_CIFAR10, folder, image_size)


def load_cifar100(folder: Path, image_size: int | None = None) -> Source:
    """Read `train`, `test` and `meta` with the 100 fine labels; see `load_cifar10`."""
    return _load(_CIFAR100, folder, image_size)


def _load(edition: _Edition, folder: Path, image_size: int | None) -> Source:
    root = _root(edition, folder)
    classes = _classes(edition, root / edition.meta)
    side = image_size or 32
    return Source(
        name=edition.name,
        classes=classes,
        image_size=(side, side),
        channels=3,
        train=_labelled(edition, root, edition.train, len(classes), image_size),
        test=_labelled(edition, root, (edition.test,), len(classes), image_size),
        mean=edition.mean,
        std=edition.std,
    )


def _root(edition: _Edition, folder: Path) -> Path:
    for root in (folder, folder / edition.folder):
        if all((root / name).is_file() for name in (*edition.train, edition.test, edition.meta)):
            return root
    hint = f"give the folder {edition.folder} of the official Python version, unpacked"
    if (folder / "train").is_dir() or folder.is_file():
        hint = f"for class folders of images give imagefolder:{folder}"
    raise UserInputError(
        f"--data {edition.name}: {', '.join((*edition.train, edition.test, edition.meta))} are not "
        f"all in {folder}; {hint}"
    )


def _classes(edition: _Edition, path: Path) -> tuple[str, ...]:
    names = _entry(path, load_plain_pickle(path), edition.label_names)
    if not isinstance(names, list) or not all(isinstance(name, bytes | str) for name in names):
        raise CorruptFileError(f"{path}: label names are not a list of strings")
    return tuple(x.decode("utf-8", "replace") if isinstance(x, bytes) else x for x in names)


def _labelled(
    edition: _Edition,
    root: Path,
    names: tuple[str, ...],
    classes: int,
    image_size: int | None,
) -> Labelled:
    parts = [_batch(edition, root / name, classes) for name in names]
    images, labels = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return Labelled(MemorySamples(images, image_size=image_size), labels)


def _batch(edition: _Edition, path: Path, classes: int) -> tuple[Tensor, Tensor]:
    content = load_plain_pickle(path)
    data, labels = _entry(path, content, b"data"), _entry(path, content, edition.labels)
    if not (isinstance(data, np.ndarray) and data.dtype == np.uint8):
        raise CorruptFileError(f"{path}: data is not an array of bytes")
    if not isinstance(labels, list) or not all(type(x) is int and 0 <= x < classes for x in labels):
        raise CorruptFileError(f"{path}: labels are not a list of numbers from 0 to {classes - 1}")
    if data.shape != (len(labels), _ROW):
        raise CorruptFileError(
            f"{path}: data is {'x'.join(map(str, data.shape))}, expected {len(labels)}x{_ROW}"
        )
    images = torch.from_numpy(data.copy(order="C")).view(-1, 3, 32, 32)
    return images, torch.tensor(labels, dtype=torch.int64)


def _entry(path: Path, content: dict[Any, Any], key: bytes) -> Any:
    for name in (key, key.decode()):
        if name in content:
            return content[name]
    raise CorruptFileError(f"{path}: has no {key.decode()!r}; not a file of this data set")
