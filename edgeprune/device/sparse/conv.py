"""A convolution with a mask, as the cost model sees it: its sizes and how many columns are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from edgeprune.device.sparse.vcsr import VECTOR_LENGTHS


@dataclass(frozen=True)
class ConvShape:
    """Sizes of a two-dimensional convolution at one input size.

    Attributes:
        in_channels: of the input.
        out_channels: of the output.
        in_size: (height, width) of the input.
        out_size: (height, width) of the output.
        kernel: (KH, KW).
        stride: (vertical, horizontal).
        dilation: (vertical, horizontal).
        groups: of the convolution.
        batch: images at a time.
    """

    in_channels: int
    out_channels: int
    in_size: tuple[int, int]
    out_size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    batch: int = 1

    @property
    def in_elements(self) -> int:
        """Values of the input."""
        return self.batch * self.in_channels * self.in_size[0] * self.in_size[1]

    @property
    def out_pixels(self) -> int:
        """Pixels of one image's output."""
        return self.out_size[0] * self.out_size[1]

    @property
    def out_elements(self) -> int:
        """Values of the output."""
        return self.batch * self.out_channels * self.out_pixels

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(O, C / groups, KH, KW)."""
        return self.out_channels, self.in_channels // self.groups, self.kernel[0], self.kernel[1]

    @property
    def weights(self) -> int:
        """Values of the weight."""
        outputs, inputs, height, width = self.weight_shape
        return outputs * inputs * height * width

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the dense convolution."""
        return self.weights * self.out_pixels * self.batch


@dataclass(frozen=True)
class MaskedConv:
    """A convolution and what its mask leaves.

    Attributes:
        name: of the layer.
        shape: its sizes.
        kept: weights that are not zero.
        columns: by V, columns of V output channels that hold a weight that is not zero.
    """

    name: str
    shape: ConvShape
    kept: float
    columns: Mapping[int, float]

    @property
    def sparsity(self) -> float:
        """Share of the weights that are zero."""
        return 1.0 - self.kept / self.shape.weights


def masked_conv(name: str, shape: ConvShape, weight: np.ndarray) -> MaskedConv:
    """A layer with the mask that its weight's zeros make.

    Args:
        weight: of `shape.weight_shape`, any type.
    """
    kept = np.asarray(weight) != 0
    columns = {v: _columns(kept, v, shape.groups) for v in VECTOR_LENGTHS}
    return MaskedConv(name, shape, int(kept.sum()), columns)


def random_mask(name: str, shape: ConvShape, sparsity: float, vector: int = 1) -> MaskedConv:
    """A layer with a random mask, each vector of weights gone with probability `sparsity`.

    Of V weights in V / `vector` vectors one at least is left with probability
    1 - sparsity^(V / vector).

    Args:
        vector: output channels that are masked together; 1 for single weights.
    """
    each = shape.weights / shape.out_channels
    columns = {
        v: _row_groups(shape, v) * each * (1.0 - sparsity ** max(v / vector, 1.0))
        for v in VECTOR_LENGTHS
    }
    return MaskedConv(name, shape, shape.weights * (1.0 - sparsity), columns)


def _row_groups(shape: ConvShape, vector: int) -> int:
    """Groups of V output channels; none spans two groups of the convolution, as in VCSR."""
    return shape.groups * -(-(shape.out_channels // shape.groups) // vector)


def _columns(kept: np.ndarray, vector: int, groups: int) -> int:
    outputs = kept.shape[0] // groups
    rows = -(-outputs // vector)
    whole = np.zeros((groups, rows * vector, kept[0].size), dtype=bool)
    whole[:, :outputs] = kept.reshape(groups, outputs, -1)
    return int(whole.reshape(groups * rows, vector, -1).any(axis=1).sum())
