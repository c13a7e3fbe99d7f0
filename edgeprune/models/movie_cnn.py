"""A 1-D CNN that predicts a value from a row of features, as the paper's for film ratings.

The features have no order of their own, so a first layer spreads them over a sequence, each
channel at each position being one weighted sum of all of them; residual blocks of 1-D
convolutions follow. Convolutions are written as 2-D ones of height 1, which is how TensorRT
computes them: maps are (N, C, 1, positions).

Source: Rajaram et al., arXiv 2401.10484 (1-D CNNs on films' features); its layers are not given.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

POSITIONS: Final = 16
_STAGE_STRIDES: Final = (1, 2, 2)  # 16, 8 and 4 positions


class SequenceBlock(nn.Module):
    """Two convolutions of 3 positions around an identity or a 1x1 shortcut, post-activation."""

    def __init__(self, in_width: int, out_width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(in_width, out_width, 3, stride)
        self.bn1 = nn.BatchNorm2d(out_width)
        self.relu1 = nn.ReLU()
        self.conv2 = _conv(out_width, out_width, 3)
        self.bn2 = nn.BatchNorm2d(out_width)
        self.shortcut = (
            nn.Sequential(_conv(in_width, out_width, 1, stride), nn.BatchNorm2d(out_width))
            if stride != 1 or in_width != out_width
            else nn.Identity()
        )
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_width, 1, L) to (N, out_width, 1, L / stride)."""
        residual = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        out: Tensor = self.relu2(residual + self.shortcut(x))
        return out


class MovieCnn(nn.Module):
    """Features to a value: a dense stem, three stages of `depth` blocks, a mean, a linear layer.

    Args:
        depth: blocks per stage.
        width: channels of the first stage; the others have twice as many.
        num_classes: values to predict.
        in_channels: features.
        dropout: share of the features, and of the last channels, that a training step leaves out.
    """

    def __init__(
        self,
        depth: int,
        width: int,
        num_classes: int = 1,
        in_channels: int = 64,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {dropout}")
        self.drop_features = nn.Dropout(dropout)
        # Of one position it makes POSITIONS: a dense layer whose outputs are channels by positions.
        self.spread = nn.ConvTranspose2d(in_channels, width, (1, POSITIONS), bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.stages = nn.Sequential()
        wide = width
        for number, stride in enumerate(_STAGE_STRIDES):
            out = width if number == 0 else 2 * width
            for place in range(depth):
                block = SequenceBlock(wide, out, stride if place == 0 else 1)
                self.stages.append(block)
                wide = out
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(wide, num_classes)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, in_channels, 1, 1) to values (N, num_classes)."""
        x = self.relu(self.bn(self.spread(self.drop_features(x))))
        x = self.drop(torch.flatten(self.avgpool(self.stages(x)), 1))
        values: Tensor = self.fc(x)
        return values


def _conv(in_width: int, out_width: int, positions: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        in_width, out_width, (1, positions), (1, stride), (0, positions // 2), bias=False
    )


def _initialise(network: MovieCnn) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    # Every output of the stem sums over all features.
    nn.init.normal_(network.spread.weight, std=network.spread.in_channels**-0.5)
    nn.init.normal_(network.fc.weight, std=0.01)
    nn.init.zeros_(network.fc.bias)
