"""Adaptive average pooling of energy maps as matrix products.

The same numbers as torch's `adaptive_avg_pool`, whose CPU kernels take three to six times as long
on small maps, longest where the student's map is the smaller one and is spread out.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def pool_to(maps: Tensor, resolution: tuple[int, ...]) -> Tensor:
    """Pool the last one or two axes.

    Args:
        maps: (..., *positions), of one or two position axes.
        resolution: the positions wanted, smaller or larger than those of `maps`.

    Returns:
        (..., *resolution).
    """
    positions = maps.shape[-len(resolution) :]
    axes = [
        _pooling_matrix(size, wanted, maps.dtype, maps.device)
        for size, wanted in zip(positions, resolution, strict=True)
    ]
    pooled = maps @ axes[-1].T
    return axes[0] @ pooled if len(axes) == 2 else pooled


@lru_cache(maxsize=64)
def _pooling_matrix(size: int, wanted: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(wanted, size): row i averages positions floor(i·size/wanted) to ceil((i+1)·size/wanted)."""
    bins = torch.arange(wanted)[:, None]
    first, last = bins * size // wanted, -((bins + 1) * -size // wanted)
    position = torch.arange(size)
    inside = (position >= first) & (position < last)
    return (inside / inside.sum(1, keepdim=True)).to(device, dtype)
