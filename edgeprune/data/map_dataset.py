"""A user's torch data set of (image, label) items as samples."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from edgeprune.data.samples import resized
from edgeprune.errors import UserInputError


class DatasetSamples:
    """Items read one by one, in the calling thread: users' data sets need not be thread-safe.

    What transforms draw from torch's generator is the same for the same batch, whatever was
    drawn before, and torch's own generator is left as it was.
    """

    prefetch = False

    def __init__(self, where: str, dataset: Dataset[Any], image_size: int | None) -> None:
        self._where = where
        self._dataset = dataset
        self._image_size = image_size

    def __len__(self) -> int:
        return len(self._dataset)  # type: ignore[arg-type]

    def gather(self, index: Tensor, *, draw: int) -> tuple[Tensor, ...]:
        """Stack the items' images.

        Raises:
            UserInputError: when an item is no image or its size differs from the first's.
        """
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would also seed the generators of GPUs, which are not forked.
            torch.default_generator.manual_seed(draw)
            rows = [self._image(number) for number in index.tolist()]
        if len({(row.shape, row.dtype) for row in rows}) > 1:
            raise UserInputError(
                f"{self._where}: images differ in size or type; give one with --set image_size=N"
            )
        return (torch.stack(rows),)

    def _image(self, number: int) -> Tensor:
        image, _ = _item(self._where, self._dataset, number)
        if isinstance(image, Image.Image):
            pixels = np.array(image if image.mode in ("L", "RGB") else image.convert("RGB"))
            image = torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1)
        if not isinstance(image, Tensor) or image.dim() != 3:
            raise UserInputError(
                f"{self._where}: item {number} is not (image (C, H, W), label); add ToTensor()"
            )
        if self._image_size is not None:
            image = resized(image.unsqueeze(0), self._image_size)[0]
        return image.float() if image.is_floating_point() else image


def is_map_dataset(given: object) -> TypeGuard[Dataset[Any]]:
    """Tell whether `given` is a torch data set with a length."""
    return (
        isinstance(given, Dataset)
        and not isinstance(given, IterableDataset)
        and hasattr(given, "__len__")
    )


def wrap_dataset(
    where: str, dataset: Dataset[Any], image_size: int | None
) -> tuple[DatasetSamples, Tensor]:
    """Return the samples and all targets (N,).

    Targets come from `dataset.targets` where it has them untransformed, as torchvision's do; else
    every item is read once.
    """
    samples = DatasetSamples(where, dataset, image_size)
    known = getattr(dataset, "targets", None)
    transformed = getattr(dataset, "target_transform", None) is not None
    if known is None or transformed or len(known) != len(samples):
        known = [_item(where, dataset, number)[1] for number in range(len(samples))]
    if not len(known):
        raise UserInputError(f"{where}: no samples")
    try:
        targets = torch.as_tensor(known)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserInputError(f"{where}: labels are not numbers: {told(error)}") from error
    return samples, targets.float() if targets.is_floating_point() else targets


def told(error: Exception) -> str:
    """Describe an error of a user's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _item(where: str, dataset: Dataset[Any], number: int) -> tuple[Any, Any]:
    try:
        image, label = dataset[number]
    except Exception as error:
        raise UserInputError(f"{where}: item {number}: {told(error)}") from error
    return image, label
