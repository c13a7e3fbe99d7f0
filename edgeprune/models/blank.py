"""Inputs without content, to see whether a network takes them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.models.inputs import input_specs


def blank_inputs(
    module: nn.Module,
    preprocessing: Preprocessing,
    batch: int,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, ...]:
    """Zeros: images, or what the network says it takes, ids being those of padding.

    Args:
        preprocessing: gives the shape of images.
        dtype: of images.
    """
    specs = input_specs(module)
    if specs is None:
        shape = (batch, preprocessing.channels, *preprocessing.image_size)
        return (torch.zeros(shape, dtype=dtype, device=device),)
    return tuple(
        torch.zeros(batch, *spec.shape, dtype=getattr(torch, spec.dtype), device=device)
        for spec in specs
    )
