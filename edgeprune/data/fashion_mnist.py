"""Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 images, 28 x 28, ten kinds of clothing."""

from __future__ import annotations

from pathlib import Path

from edgeprune.data.idx import read_idx
from edgeprune.data.samples import MemorySamples
from edgeprune.data.source import Labelled, Source
from edgeprune.errors import CorruptFileError, UserInputError

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_fashion_mnist(folder: Path | None = None, image_size: int | None = None) -> Source:
    """Read the four IDX files, plain or .gz, from `folder` or from Debian's package.

    Raises:
        UserInputError: when a file is missing, with the way to get it.
        CorruptFileError: when a file is damaged.
    """
    root = folder or DEBIAN_FOLDER
    train = _part(root, "train", image_size)
    test = _part(root, "t10k", image_size)
    side = image_size or 28
    return Source(
        name="fashion-mnist",
        classes=CLASSES,
        image_size=(side, side),
        channels=1,
        train=train,
        test=test,
    )


def _part(root: Path, prefix: str, image_size: int | None) -> Labelled:
    images = read_idx(_find(root, f"{prefix}-images-idx3-ubyte"), 3).unsqueeze(1)
    labels = read_idx(_find(root, f"{prefix}-labels-idx1-ubyte"), 1).long()
    if len(images) != len(labels) or tuple(images.shape[2:]) != (28, 28):
        raise CorruptFileError(
            f"{root}: {prefix} has {len(images)} images of {images.shape[2]}x{images.shape[3]} and "
            f"{len(labels)} labels; get the files again"
        )
    return Labelled(MemorySamples(images, image_size=image_size), labels)


def _find(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    raise UserInputError(
        f"--data fashion-mnist: no {name}[.gz] in {root}; "
        "apt-get install dataset-fashion-mnist, or give a folder: fashion-mnist:DIR"
    )
