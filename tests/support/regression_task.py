"""A network that gives one number, and data to test it on, as a user would name them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def network() -> nn.Module:
    """A small convolutional regressor of 1x8x8 images."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 1))


def data() -> dict[str, Any]:
    """Random images; the target is their mean."""
    generator = torch.Generator().manual_seed(0)

    def split(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.randn(count, 1, 8, 8, generator=generator)
        return images, images.mean((1, 2, 3))

    return {"train": split(40), "test": split(30)}
