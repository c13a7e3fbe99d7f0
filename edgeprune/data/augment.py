"""Augmentation of whole batches: draw a row of numbers per image, then apply all rows at once.

Drawing and applying are apart so that every rank of a distributed run draws for the global batch
and applies its own rows: the pixels do not depend on how many processes share the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from edgeprune.data.samples import centre_crop
from edgeprune.errors import UserInputError

POLICIES = ("none", "shift", "crop-flip", "random-resized-crop-flip")


class Augmentation(Protocol):
    """A policy."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count, k) numbers that decide what happens to each image."""
        ...

    def apply(self, images: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:
        """Return (N, C, *size) of the dtype of `images` (N, C, H, W), uint8 or float."""
        ...


@dataclass(frozen=True)
class NoAugmentation:
    """The centre crop that evaluation sees."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count, 0)."""
        return torch.empty(count, 0)

    def apply(self, images: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the middle of the images."""
        return centre_crop(images, size)


@dataclass(frozen=True)
class CropFlip:
    """Pad with zeros, crop back at a random place, perhaps mirror left and right.

    Attributes:
        padding: pixels on every side; an image moves by at most as much.
        flip: whether half of the images are mirrored.
    """

    padding: int
    flip: bool

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count, 3) int64: row offset, column offset, mirrored or not."""
        offsets = torch.randint(0, 2 * self.padding + 1, (count, 2), generator=generator)
        mirrored = torch.randint(0, 2, (count, 1), generator=generator) * int(self.flip)
        return torch.cat([offsets, mirrored], dim=1)

    def apply(self, images: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:
        """Crop and mirror through one gather."""
        padded = F.pad(centre_crop(images, size), [self.padding] * 4)
        count, channels, _, stride = padded.shape
        height, width = size
        rows = draws[:, :1] + torch.arange(height)
        columns = torch.arange(width).expand(count, width)
        columns = torch.where(draws[:, 2:] == 1, width - 1 - columns, columns) + draws[:, 1:2]
        source = (rows * stride).unsqueeze(2) + columns.unsqueeze(1)
        source = source.view(count, 1, -1).expand(count, channels, -1)
        return padded.flatten(2).gather(2, source).view(count, channels, height, width)


@dataclass(frozen=True)
class RandomResizedCropFlip:
    """Crop a random box, resize it to the network's size, mirror half (Szegedy et al. 2015).

    Attributes:
        area: smallest share of the image's area that a box covers.
        ratio: largest ratio of a box's sides.
    """

    area: float = 0.08
    ratio: float = 4 / 3

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count, 5) in [0, 1]: box centre (x, y), box size (x, y), mirrored or not."""
        u = torch.rand(count, 5, generator=generator)
        area = self.area + (1 - self.area) * u[:, 0]
        ratio = torch.exp((2 * u[:, 1] - 1) * math.log(self.ratio))
        extent = torch.stack([area * ratio, area / ratio], dim=1).sqrt().clamp(max=1)
        centre = extent / 2 + (1 - extent) * u[:, 2:4]
        return torch.cat([centre, extent, (u[:, 4:] < 0.5).float()], dim=1)

    def apply(self, images: Tensor, draws: Tensor, size: tuple[int, int]) -> Tensor:
        """Cut out the boxes, to whole pixels, and resize each with antialiasing."""
        out = images.new_empty((len(images), images.shape[1], *size))
        height, width = images.shape[-2:]
        for row, (x, y, w, h, _) in enumerate(draws.tolist()):
            box = images[row : row + 1, :, _pixels(y, h, height), _pixels(x, w, width)]
            # One by one is faster than one grid_sample of all: this has an uint8 kernel.
            out[row] = F.interpolate(box, size=size, mode="bilinear", antialias=True)[0]
        return torch.where(draws[:, 4].view(-1, 1, 1, 1) == 1, out.flip(3), out)


def _pixels(centre: float, extent: float, length: int) -> slice:
    start = min(round((centre - extent / 2) * length), length - 1)
    return slice(start, max(round((centre + extent / 2) * length), start + 1))


def default_policy(image_size: tuple[int, int]) -> str:
    """Name the policy that suits natural images of this (height, width)."""
    side = min(image_size)
    if side < 16:
        return "shift"
    return "crop-flip" if side <= 64 else "random-resized-crop-flip"


def augmentation(policy: str, image_size: tuple[int, int]) -> Augmentation:
    """Build the named policy for images of `image_size`.

    Raises:
        UserInputError: for a name that is none of `POLICIES`.
    """
    if policy == "none":
        return NoAugmentation()
    if policy == "shift":
        return CropFlip(padding=1, flip=False)
    if policy == "crop-flip":
        return CropFlip(padding=max(1, round(min(image_size) / 8)), flip=True)
    if policy == "random-resized-crop-flip":
        return RandomResizedCropFlip()
    raise UserInputError(f"augment={policy!r}: choose one of {', '.join(POLICIES)}")
