"""`--data SPEC`: one place that knows every kind of data."""

from __future__ import annotations

from pathlib import Path

from edgeprune.data.augment import augmentation
from edgeprune.data.dataset import Data
from edgeprune.data.file_images import Progress
from edgeprune.data.source import Source, assemble
from edgeprune.errors import UserInputError

SPECS = (
    "digits, fashion-mnist[:DIR], cifar10:DIR, cifar100:DIR, imagefolder:DIR_OR_TAR or "
    "pkg.mod:factory"
)


def load_data(
    spec: str,
    *,
    seed: int,
    val_fraction: float = 0.1,
    train_limit: int | None = None,
    image_size: int | None = None,
    augment: str | None = None,
    progress: Progress | None = None,
) -> Data:
    """Load the data set that `spec` names.

    Args:
        spec: `digits`, `fashion-mnist[:DIR]`, `cifar10:DIR`, `cifar100:DIR`,
            `imagefolder:DIR_OR_TAR` or `pkg.mod:factory`.
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
    return assemble(
        source, seed=seed, val_fraction=val_fraction, train_limit=train_limit, augment=augment
    )


def _read(spec: str, image_size: int | None, progress: Progress | None) -> Source:
    kind, _, rest = spec.partition(":")
    if kind == "digits" and not rest:
        from edgeprune.data.digits import load_digits

        return load_digits(image_size)
    if kind == "imagefolder" and rest:
        from edgeprune.data.imagefolder import load_imagefolder

        return load_imagefolder(Path(rest).expanduser(), image_size=image_size, progress=progress)
    raise UserInputError(f"--data {spec}: unknown; give {SPECS}")
