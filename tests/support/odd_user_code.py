"""Networks and data of a user's own that do not fit a teacher of 8x8 grey digits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def linear() -> nn.Module:
    """One layer: nothing in it could be tapped."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def mlp() -> nn.Module:
    """Two layers, with one hidden vector to tap."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def colour() -> nn.Module:
    """Takes three channels."""
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))


def two_layers() -> nn.Module:
    """A first and a last layer with nothing between them, six channels wide."""
    pooled = (nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Conv2d(1, 6, 3), *pooled, nn.Linear(6, 10))


class Twins(nn.Module):
    """Gives a map of six channels, and its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(1, 6, 3)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Two outputs."""
        found = self.inner(images)
        return found, found.mean((2, 3))


class Pair(nn.Module):
    """Returns its result in a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """One output, wrapped."""
        return (self.inner(images.flatten(1)),)


def failing() -> nn.Module:
    """Fails with several lines."""
    raise ValueError("first line\nsecond line")


def number() -> int:
    """Is no network."""
    return 3


def _images(channels: int, side: int, classes: int, names: list[str]) -> dict[str, Any]:
    shape = (60, channels, side, side)
    images = torch.randint(0, 255, shape, generator=torch.Generator().manual_seed(0))
    split = (images.to(torch.uint8), torch.arange(60) % classes)
    return {"train": split, "test": split, "classes": names}


def five_digits() -> dict[str, Any]:
    """Half of the teacher's classes."""
    return _images(1, 8, 5, list("01234"))


def letters() -> dict[str, Any]:
    """Classes the teacher has not seen."""
    return _images(1, 8, 10, list("abcdefghij"))


def in_colour() -> dict[str, Any]:
    """Three channels."""
    return _images(3, 8, 10, list("0123456789"))


def larger() -> dict[str, Any]:
    """Sixteen pixels a side."""
    return _images(1, 16, 10, list("0123456789"))


def failing_data() -> dict[str, Any]:
    """Fails with several lines."""
    raise RuntimeError("first line\nsecond line")
