"""MobileNetV2 for small images: the paper's stages with two strides of two left out.

Source: Sandler et al., CVPR 2018, arXiv 1801.04381, table 2; stem and second stage keep the
resolution, as is usual on 32x32 images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

from edgeprune.models.initialise import initialise_he_fan_out

_STEM_WIDTH: Final = 32
_HEAD_WIDTH: Final = 1280
# (expansion, width, blocks, stride of the first block)
_STAGES: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """Expand with 1x1, filter each channel with 3x3, project with a linear 1x1."""

    def __init__(self, in_width: int, out_width: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = in_width * expansion
        expand = _unit(in_width, inner, 1) if expansion != 1 else []
        self.conv = nn.Sequential(
            *expand,
            *_unit(inner, inner, 3, stride, groups=inner),
            nn.Conv2d(inner, out_width, 1, bias=False),
            nn.BatchNorm2d(out_width),
        )
        self.use_shortcut = stride == 1 and in_width == out_width

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_width, H, W) to (N, out_width, H/stride, W/stride)."""
        out: Tensor = self.conv(x)
        return x + out if self.use_shortcut else out


class CifarMobileNetV2(nn.Module):
    """MobileNetV2 whose 32x32 input ends as a 4x4 map."""

    def __init__(self, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = _unit(in_channels, _STEM_WIDTH, 3)
        width = _STEM_WIDTH
        for expansion, out_width, blocks, first_stride in _STAGES:
            for block in range(blocks):
                stride = first_stride if block == 0 else 1
                layers.append(InvertedResidual(width, out_width, stride, expansion))
                width = out_width
        layers += _unit(width, _HEAD_WIDTH, 1)
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(_HEAD_WIDTH, num_classes)
        initialise_he_fan_out(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        x = self.avgpool(self.features(x))
        logits: Tensor = self.classifier(torch.flatten(x, 1))
        return logits


def _unit(
    in_width: int, out_width: int, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    padding = kernel // 2
    return [
        nn.Conv2d(in_width, out_width, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(out_width),
        nn.ReLU6(),
    ]


BUILDERS: Final[dict[str, Callable[..., nn.Module]]] = {"cifar_mobilenet_v2": CifarMobileNetV2}
