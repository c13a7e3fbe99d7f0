"""Images in class folders, from a directory or straight from a tar."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from edgeprune.data.archive import open_archive
from edgeprune.data.file_images import FileImages, Progress, pool_size, read_image
from edgeprune.data.layout import read_layout
from edgeprune.data.memory import available_bytes
from edgeprune.data.samples import MemorySamples, Samples
from edgeprune.data.source import Labelled, Source
from edgeprune.data.stores import FolderStore, Store
from edgeprune.errors import CorruptFileError, UserInputError

# Of networks for images from this size on, evaluation sees the central 7/8 (256 -> 224).
_MARGIN_FROM = 96


def load_imagefolder(
    path: Path, *, image_size: int | None = None, progress: Progress | None = None
) -> Source:
    """Read `train/<class>/*.jpg` and the same below `val/`, `test/` or both.

    With only one of val and test, that is the test set. Images become RGB. They are decoded once
    into memory when they take less than half of what is available, else batch by batch.

    Args:
        path: a folder, a .tar or a .tar.gz.
        image_size: side of the square images that networks get; None keeps the files' own size,
            which must then be the same for all.
        progress: called with (decoded, total) images.

    Raises:
        UserInputError: one line for a wrong layout, mixed sizes or a missing path.
        CorruptFileError: one line for a damaged archive or unreadable images.
    """
    store = _open(path)
    layout = read_layout(store.origin, store.names)
    side = None if image_size is None else _stored_side(image_size)
    first = layout.files["train"][0][0]
    stored = (side, side) if side is not None else _size_of(store, first)
    total = sum(map(len, layout.files.values()))
    in_memory = total * 3 * stored[0] * stored[1] <= available_bytes() // 2
    pool = ThreadPoolExecutor(pool_size(), thread_name_prefix="decode")
    parts = {}
    done = 0
    for split, files in layout.files.items():
        images = FileImages(store, [number for number, _ in files], stored, side, pool)
        samples: Samples = images
        if in_memory:
            samples = MemorySamples(
                images.decode(range(len(images)), _offset(progress, done, total))
            )
        done += len(images)
        parts[split] = Labelled(samples, torch.tensor([label for _, label in files]))
    both = "val" in parts and "test" in parts
    return Source(
        name=path.resolve().name,
        classes=layout.classes,
        image_size=stored if image_size is None else (image_size, image_size),
        channels=3,
        train=parts["train"],
        val=parts["val"] if both else None,
        test=parts["test"] if "test" in parts else parts["val"],
    )


def _open(path: Path) -> Store:
    if path.is_dir():
        return FolderStore(path)
    if path.is_file():
        return open_archive(path)
    raise UserInputError(f"{path}: no such folder or archive (--data imagefolder:DIR_OR_TAR)")


def _stored_side(image_size: int) -> int:
    return image_size if image_size < _MARGIN_FROM else round(image_size * 8 / 7)


def _size_of(store: Store, number: int) -> tuple[int, int]:
    try:
        height, width = read_image(store, number, None).shape[:2]
    except CorruptFileError as error:
        raise CorruptFileError(
            f"{store.origin}: unreadable image {store.names[number]}: {error}; replace or remove it"
        ) from error
    return height, width


def _offset(progress: Progress | None, before: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)
