"""Tensors in a memory format that kernels recognise."""

from __future__ import annotations

import torch
from torch import Tensor


def in_format(images: Tensor, layout: torch.memory_format) -> Tensor:
    """(N, C, H, W) images in `layout`, with strides that say so even for a single channel.

    Such images lie alike in both formats, and torch then takes them for contiguous ones: the first
    convolution's output is contiguous and the rest of the network's channels-last, and each
    addition of the two reads one of them against its grain (measured: a third of a training step
    of WRN-16-1).
    """
    laid = images.contiguous(memory_format=layout)
    channels, height, width = laid.shape[1:]
    if channels > 1:
        return laid
    inner = (1, width, 1) if layout == torch.channels_last else (height * width, width, 1)
    return laid.as_strided(laid.shape, (height * width, *inner))
