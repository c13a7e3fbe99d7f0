"""What the attention head needs of one tap: its pooled vector and its energy, never the map.

A tap is read once forward and once backward. That is what keeps distillation cheap: a student map
is the largest tensor of a step, and plain autograd would write several gradients of its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class TapSummary:
    """One tap of one batch, reduced.

    Attributes:
        pooled: (B, C), the mean over positions; the features themselves for a vector tap.
        energy: (B, *positions), the mean over channels of f²; None for a vector tap.
    """

    pooled: Tensor
    energy: Tensor | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The tap's own: (B, C), (B, P, C) or (B, C, H, W)."""
        batch, channels = self.pooled.shape
        if self.energy is None:
            return batch, channels
        positions = tuple(self.energy.shape[1:])
        return (
            (batch, *positions, channels) if len(positions) == 1 else (batch, channels, *positions)
        )


def working_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 stays as it is, everything else is worked on in float32, autocast or not."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def summarise(features: Tensor) -> TapSummary:
    """Reduce a tap to its pooled vector and its energy.

    Args:
        features: (B, C) vectors, (B, P, C) stacks of P positions, or (B, C, H, W) maps in either
            memory format (channels-last is read as it lies, without a copy).

    Returns:
        The summary in float32 (float64 for float64 features), differentiable in `features`.
    """
    if features.ndim == 2:
        return TapSummary(features.to(working_dtype(features.dtype)), None)
    if features.ndim == 3:
        return _reduce(features, channel_dim=2, positions=features.shape[1:2])
    if features.is_contiguous(memory_format=torch.channels_last):
        flat = features.permute(0, 2, 3, 1).flatten(1, 2)
        return _reduce(flat, channel_dim=2, positions=features.shape[2:])
    return _reduce(features.flatten(2), channel_dim=1, positions=features.shape[2:])


@torch.no_grad()
def summarise_all(features: Sequence[Tensor | TapSummary]) -> list[TapSummary]:
    """Reduce a frozen network's taps, in full precision under autocast too.

    Taps that are reduced already stay as they are.
    """
    device = next((tap.device.type for tap in features if isinstance(tap, Tensor)), "cpu")
    with torch.autocast(device, enabled=False):
        return [tap if isinstance(tap, TapSummary) else summarise(tap) for tap in features]


def _reduce(flat: Tensor, *, channel_dim: int, positions: torch.Size) -> TapSummary:
    pooled, energy = _PoolAndEnergy.apply(flat, channel_dim)
    return TapSummary(pooled, energy.unflatten(1, positions))


class _PoolAndEnergy(torch.autograd.Function):
    """Mean over positions and mean square over channels; one fused pass back to the features."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, channel_dim: int) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(flat)
        ctx.channel_dim = channel_dim
        channels, count = flat.shape[channel_dim], flat.shape[3 - channel_dim]
        # On a CPU one conversion is cheaper than two reductions that convert as they go.
        wide = flat.to(working_dtype(flat.dtype)) if flat.device.type == "cpu" else flat
        dtype = working_dtype(flat.dtype)
        pooled = wide.sum(3 - channel_dim, dtype=dtype).div_(count)
        norm = torch.linalg.vector_norm(wide, dim=channel_dim, dtype=dtype)
        return pooled, norm.square_().div_(channels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_pooled: Tensor, d_energy: Tensor) -> tuple[Tensor, None]:
        (flat,) = ctx.saved_tensors
        channel_dim: int = ctx.channel_dim
        channels, count = flat.shape[channel_dim], flat.shape[3 - channel_dim]
        shift = (d_pooled / count).to(flat.dtype).unsqueeze(3 - channel_dim)
        scale = (d_energy * (2 / channels)).to(flat.dtype).unsqueeze(channel_dim)
        return torch.addcmul(shift, flat, scale), None
