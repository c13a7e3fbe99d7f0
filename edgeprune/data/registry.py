"""`--data SPEC`: one place that knows every kind of data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from edgeprune.data.augment import augmentation
from edgeprune.data.cifar import load_cifar10, load_cifar100
from edgeprune.data.dataset import Data
from edgeprune.data.digits import load_digits
from edgeprune.data.fashion_mnist import load_fashion_mnist
from edgeprune.data.file_images import Progress
from edgeprune.data.imagefolder import load_imagefolder
from edgeprune.data.movies.load import load_movies
from edgeprune.data.ratings.load import load_ratings
from edgeprune.data.source import Source, assemble
from edgeprune.data.user import load_user_data
from edgeprune.errors import UserInputError

SPECS = (
    "digits, fashion-mnist[:DIR], cifar10:DIR, cifar100:DIR, imagefolder:DIR_OR_TAR, "
    "movies:FILE[:GROUP][@YEAR], ratings:DIR[:ranking[@K]|:rating][+features] or pkg.mod:factory"
)
_KINDS = ("digits", "fashion-mnist", "cifar10", "cifar100", "imagefolder", "movies", "ratings")
VAL_FRACTION: Final = 0.1
_MODULE_AND_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def load_data(
    spec: str,
    *,
    seed: int,
    val_fraction: float = VAL_FRACTION,
    train_limit: int | None = None,
    image_size: int | None = None,
    augment: str | None = None,
    progress: Progress | None = None,
) -> Data:
    """Load the data set that `spec` names.

    Args:
        spec: `digits`, `fashion-mnist[:DIR]`, `cifar10:DIR`, `cifar100:DIR`,
            `imagefolder:DIR_OR_TAR`, `movies:FILE[:GROUP][@YEAR]`,
            `ratings:DIR[:ranking[@K]|:rating][+features]` or `pkg.mod:factory`.
        seed: decides which training images become validation and which `train_limit` keeps.
        val_fraction: share of the training images that becomes validation where none is given.
        train_limit: keep only so many training images, stratified.
        image_size: bring images to this many pixels, square.
        augment: a policy of `edgeprune.data.augment.POLICIES`; None chooses by the data.
        progress: called with (decoded, total) images while files are decoded.

    Raises:
        UserInputError: one line for an unknown spec, an option or data that cannot be used.
        CorruptFileError: one line naming a damaged file.
        UnsupportedError: when an optional package is missing.
    """
    if image_size is not None and image_size < 1:
        raise UserInputError(f"image_size={image_size}: must be at least 1")
    if augment is not None:
        augmentation(augment, (1, 1))
    source = _read(spec, image_size, progress)
    if isinstance(source, Data):
        # A user's own, or one whose protocol says what trains and what tests.
        options = {
            "train_limit": train_limit,
            "image_size": image_size,
            "augment": augment,
            "val_fraction": None if val_fraction == VAL_FRACTION else val_fraction,
        }
        for option, value in options.items():
            if value is not None:
                raise UserInputError(
                    f"--data {spec} gives its splits as they are: {option} does not apply to it"
                )
        return source
    return assemble(
        source, seed=seed, val_fraction=val_fraction, train_limit=train_limit, augment=augment
    )


def _read(spec: str, image_size: int | None, progress: Progress | None) -> Source | Data:
    kind, _, rest = spec.partition(":")
    folder = Path(rest).expanduser()
    if kind == "digits" and not rest:
        return load_digits(image_size)
    if kind == "fashion-mnist":
        return load_fashion_mnist(folder if rest else None, image_size)
    if kind == "cifar10" and rest:
        return load_cifar10(folder, image_size)
    if kind == "cifar100" and rest:
        return load_cifar100(folder, image_size)
    if kind == "imagefolder" and rest:
        return load_imagefolder(folder, image_size=image_size, progress=progress)
    if kind == "movies" and rest:
        if image_size is not None:
            raise UserInputError(f"image_size={image_size}: films have no images; leave it out")
        return load_movies(rest)
    if kind == "ratings" and rest:
        if image_size is not None:
            raise UserInputError(f"image_size={image_size}: ratings have no images; leave it out")
        return load_ratings(rest)
    if _MODULE_AND_NAME.fullmatch(spec) and kind not in _KINDS:
        return load_user_data(spec, image_size)
    wrong = "incomplete" if kind in _KINDS else "unknown"
    raise UserInputError(f"--data {spec.rstrip(':')}: {wrong}; give {SPECS}")
