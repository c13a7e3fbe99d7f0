"""Mean and standard deviation of a split's pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from edgeprune.data.samples import Samples

_CHUNK = 1024
_MOST_BYTES = 1 << 30
_SAMPLE = 5_000


def mean_and_std(
    samples: Samples, positions: Tensor
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measure uint8 images scaled to [0, 1], per channel, from histograms of grey levels.

    The counts are integers and which images are read depends on the data alone, so the result is
    the same on every machine and process. Of more than 1 GiB of pixels, which may have to be
    decoded for this, 5,000 evenly spaced images stand for all.
    """
    pixels = len(positions) * samples.gather(positions[:1], draw=0)[0].numel()
    stride = -(-len(positions) // _SAMPLE) if pixels > _MOST_BYTES else 1
    counts = sum(
        _histogram(samples.gather(index, draw=0)[0])
        for index in torch.split(positions[::stride], _CHUNK)
    )
    weights = torch.as_tensor(counts, dtype=torch.float64)
    weights = weights / weights.sum(dim=1, keepdim=True)
    level = torch.arange(256, dtype=torch.float64)
    mean = weights @ level
    variance = (weights * (level - mean.unsqueeze(1)) ** 2).sum(dim=1)
    # One grey level is the least that 8-bit pixels can deviate; constant channels stay finite.
    std = variance.sqrt().clamp(min=1)
    return tuple((mean / 255).tolist()), tuple((std / 255).tolist())


def _histogram(images: Tensor) -> Tensor:
    """Count the grey levels of uint8 (N, C, H, W): (C, 256)."""
    channels = images.transpose(0, 1).flatten(1)
    return torch.stack([torch.bincount(channel, minlength=256) for channel in channels])
