"""Wide residual networks for small images, with the module names of public checkpoints.

Source: Zagoruyko & Komodakis, "Wide Residual Networks", BMVC 2016, arXiv 1605.07146, table 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeprune.models.initialise import initialise_he_fan_out

_STEM_WIDTH = 16
_STAGE_STRIDES = (1, 2, 2)


class BasicBlock(nn.Module):
    """Pre-activation block: two 3x3 convolutions around an identity or a 1x1 shortcut.

    The first activation is computed once. Where the width changes it feeds the shortcut too, so it
    is the tensor that follows the previous block, as distillation taps it.
    """

    def __init__(self, in_width: int, out_width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(in_width, out_width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_width)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(out_width, out_width, 3, padding=1, bias=False)
        self.convShortcut = (
            nn.Conv2d(in_width, out_width, 1, stride, bias=False) if in_width != out_width else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_width, H, W) to (N, out_width, H/stride, W/stride)."""
        active = self.relu1(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(active)
        residual: Tensor = self.conv2(self.relu2(self.bn2(self.conv1(active))))
        return residual + shortcut


class NetworkBlock(nn.Module):
    """A stage: `depth` blocks of one width, the first of which may halve the map."""

    def __init__(self, depth: int, in_width: int, out_width: int, stride: int) -> None:
        super().__init__()
        self.layer = nn.Sequential(
            BasicBlock(in_width, out_width, stride),
            *(BasicBlock(out_width, out_width, 1) for _ in range(depth - 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_width, H, W) to (N, out_width, H/stride, W/stride)."""
        out: Tensor = self.layer(x)
        return out


class WideResNet(nn.Module):
    """WRN-`depth`-`widen`: stages of (depth - 4) / 6 blocks, 16, 32 and 64 times `widen` wide."""

    def __init__(self, depth: int, widen: int, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f"depth must be 6n + 4 with n >= 1, not {depth}")
        blocks = (depth - 4) // 6
        widths = [_STEM_WIDTH, *(_STEM_WIDTH * widen * 2**stage for stage in range(3))]
        self.conv1 = nn.Conv2d(in_channels, _STEM_WIDTH, 3, padding=1, bias=False)
        self.block1 = NetworkBlock(blocks, widths[0], widths[1], _STAGE_STRIDES[0])
        self.block2 = NetworkBlock(blocks, widths[1], widths[2], _STAGE_STRIDES[1])
        self.block3 = NetworkBlock(blocks, widths[2], widths[3], _STAGE_STRIDES[2])
        self.bn1 = nn.BatchNorm2d(widths[3])
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[3], num_classes)
        initialise_he_fan_out(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_channels, H, W) to logits (N, num_classes)."""
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        x = self.avgpool(self.relu(self.bn1(x)))
        logits: Tensor = self.fc(torch.flatten(x, 1))
        return logits
