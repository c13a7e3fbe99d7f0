"""Mean and standard deviation of a split's pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from edgeprune.data.samples import Samples

_CHUNK = 1024
_MOST_IMAGES = 20_000


def mean_and_std(
    samples: Samples, positions: Tensor
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measure uint8 images scaled to [0, 1], per channel.

    The sums are exact integers, so the result is the same on every machine. Of more than 20,000
    images an evenly spaced 20,000 are read: the figure moves in the fourth digit at most.
    """
    stride = -(-len(positions) // _MOST_IMAGES)
    total: Tensor | int = 0
    squares: Tensor | int = 0
    count = 0
    for index in torch.split(positions[::stride], _CHUNK):
        images = samples.gather(index, draw=0)[0].to(torch.int32)
        total = total + images.sum(dim=(0, 2, 3), dtype=torch.int64)
        squares = squares + (images * images).sum(dim=(0, 2, 3), dtype=torch.int64)
        count += images[:, 0].numel()
    mean = torch.as_tensor(total).double() / count
    variance = torch.as_tensor(squares).double() / count - mean * mean
    # One grey level is the least that 8-bit pixels can deviate; constant channels stay finite.
    std = variance.clamp(min=0).sqrt().clamp(min=1)
    return tuple((mean / 255).tolist()), tuple((std / 255).tolist())
