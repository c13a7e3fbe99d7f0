"""VGG with batch norm for small images: one linear layer after the last stage.

Source: Simonyan & Zisserman, ICLR 2015, arXiv 1409.1556, table 1 (configurations A, B, D, E),
in the form used on CIFAR: batch norm after every convolution, no hidden linear layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

from edgeprune.models.initialise import initialise_he_fan_out

_STAGE_WIDTHS: Final = (64, 128, 256, 512, 512)
_STAGE_DEPTHS: Final = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class HalvingPool(nn.MaxPool2d):
    """2x2 max pooling that leaves maps under 4x4 as they are.

    A distillation tap needs more than one position, so 8x8 digits end at 2x2 like 32x32 images do.
    """

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H/2, W/2), or return it unchanged."""
        return input if min(input.shape[-2:]) < 4 else super().forward(input)


class CifarVgg(nn.Module):
    """VGG-`depth`: five stages of 3x3 convolutions, a pool between each two of them."""

    def __init__(self, depth: int, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = in_channels
        for stage, blocks in enumerate(_STAGE_DEPTHS[depth]):
            if stage:
                layers.append(HalvingPool())
            for _ in range(blocks):
                layers += _convolution(width, _STAGE_WIDTHS[stage])
                width = _STAGE_WIDTHS[stage]
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(width, num_classes)
        initialise_he_fan_out(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        x = self.avgpool(self.features(x))
        logits: Tensor = self.classifier(torch.flatten(x, 1))
        return logits


def _convolution(in_width: int, out_width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(in_width, out_width, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_width),
        nn.ReLU(),
    ]


BUILDERS: Final[dict[str, Callable[..., nn.Module]]] = {
    f"cifar_vgg{depth}_bn": partial(CifarVgg, depth) for depth in _STAGE_DEPTHS
}
