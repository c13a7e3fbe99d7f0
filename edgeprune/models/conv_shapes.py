"""The sizes at which a network's convolutions run."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.device.sparse.conv import ConvShape
from edgeprune.models.modes import evaluating


def conv_shapes(model: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, ConvShape]:
    """Run `model` once in eval mode and note every two-dimensional convolution.

    Returns:
        By module path, in the order of the first calls; of a layer that is called at several
        sizes, the largest. Transposed convolutions are not among them.
    """
    found: dict[str, ConvShape] = {}
    with ExitStack() as stack, torch.no_grad(), evaluating(model):
        for path, module in model.named_modules():
            if isinstance(module, nn.Conv2d):
                handle = module.register_forward_hook(partial(_note, found, path))
                stack.callback(handle.remove)
        model(*inputs)
    return found


def _note(
    found: dict[str, ConvShape], path: str, layer: nn.Conv2d, args: tuple[Any, ...], output: Tensor
) -> None:
    shape = ConvShape(
        in_channels=layer.in_channels,
        out_channels=layer.out_channels,
        in_size=_pair(args[0].shape[-2:]),
        out_size=_pair(output.shape[-2:]),
        kernel=_pair(layer.kernel_size),
        stride=_pair(layer.stride),
        dilation=_pair(layer.dilation),
        groups=layer.groups,
        batch=len(output) if output.dim() == 4 else 1,
    )
    if path not in found or shape.macs > found[path].macs:
        found[path] = shape


def _pair(sizes: Any) -> tuple[int, int]:
    height, width = sizes
    return int(height), int(width)
