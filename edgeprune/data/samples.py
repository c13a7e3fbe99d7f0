"""Where the inputs of a split come from: memory, or files decoded batch by batch."""

from __future__ import annotations

from typing import Protocol

import torch.nn.functional as F
from torch import Tensor


class Samples(Protocol):
    """Numbered inputs.

    Attributes:
        prefetch: whether reading is slow and thread-safe, so that the next batches are worth
            preparing in the background.
    """

    prefetch: bool

    def __len__(self) -> int: ...

    def gather(self, index: Tensor, *, draw: int) -> tuple[Tensor, ...]:
        """Return the inputs at `index` (N,), each stacked along the first axis.

        Args:
            index: (N,) int64 positions.
            draw: seeds whatever a user's own data set draws; equal draws give equal inputs.
        """
        ...


class MemorySamples:
    """Tensors that share their first axis; images are uint8 or float (N, C, H, W).

    Args:
        *inputs: the tensors.
        image_size: bring the first of them to this size, square, as batches are read.
    """

    prefetch = False

    def __init__(self, *inputs: Tensor, image_size: int | None = None) -> None:
        self._inputs = inputs
        self._image_size = image_size

    def __len__(self) -> int:
        return len(self._inputs[0])

    def gather(self, index: Tensor, *, draw: int) -> tuple[Tensor, ...]:
        """Copy the rows at `index`."""
        first, *others = (x.index_select(0, index) for x in self._inputs)
        if self._image_size is not None:
            first = resized(first, self._image_size)
        return (first, *others)


def resized(images: Tensor, size: int) -> Tensor:
    """Bring uint8 or float (N, C, H, W) to `size` x `size`: short side, then centre crop."""
    height, width = images.shape[-2:]
    if (height, width) == (size, size):
        return images
    scale = size / min(height, width)
    target = (max(size, round(height * scale)), max(size, round(width * scale)))
    images = F.interpolate(images, size=target, mode="bilinear", antialias=True)
    return centre_crop(images, (size, size)).contiguous()


def centre_crop(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the middle of (N, C, H, W), a view."""
    top, left = ((have - want) // 2 for have, want in zip(images.shape[-2:], size, strict=True))
    return images[..., top : top + size[0], left : left + size[1]]
