"""Residual networks for 32x32 images, with the module names of RepDistiller's checkpoints.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv 1512.03385,
section 4.2. The shortcut that changes width is a 1x1 convolution with a norm (option B): that is
the network behind the published figures (ResNet-20, CIFAR-100: 278,324 parameters); option A, zero
padding without parameters, has 2,752 fewer and ties stream widths across stages.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

from edgeprune.models.initialise import initialise_he_fan_out

_WIDTHS: Final = (16, 32, 64)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, activated after the addition."""

    def __init__(self, in_width: int, out_width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_width, out_width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_width, out_width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_width)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(in_width, out_width, 1, stride, bias=False), nn.BatchNorm2d(out_width)
            )
            if stride != 1 or in_width != out_width
            else None
        )
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_width, H, W) to (N, out_width, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        residual = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        out: Tensor = self.relu2(residual + shortcut)
        return out


class CifarResNet(nn.Module):
    """ResNet-`depth`: three stages of (depth - 2) / 6 blocks, 16, 32 and 64 wide."""

    def __init__(self, depth: int, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(in_channels, _WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTHS[0])
        self.relu = nn.ReLU()
        self.layer1 = _stage(blocks, _WIDTHS[0], _WIDTHS[0], stride=1)
        self.layer2 = _stage(blocks, _WIDTHS[0], _WIDTHS[1], stride=2)
        self.layer3 = _stage(blocks, _WIDTHS[1], _WIDTHS[2], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(_WIDTHS[2], num_classes)
        initialise_he_fan_out(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.fc(torch.flatten(self.avgpool(x), 1))
        return logits


def _stage(blocks: int, in_width: int, out_width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        BasicBlock(in_width, out_width, stride),
        *(BasicBlock(out_width, out_width, 1) for _ in range(blocks - 1)),
    )


BUILDERS: Final[dict[str, Callable[..., nn.Module]]] = {
    f"resnet{depth}": partial(CifarResNet, depth) for depth in (20, 32, 44, 56, 110)
}
