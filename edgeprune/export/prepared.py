"""A model as the exporter must see it, and as the user left it afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients; every submodule gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextlib.contextmanager
def contiguous_weights(model: nn.Module) -> Iterator[None]:
    """Row-major parameters and buffers; the very tensors from before come back on exit.

    Weights in channels-last make the exporter describe the strides of the activations too: a global
    pooling then becomes a Gather over computed indices.
    """
    changed = [
        (tensor, tensor.data)
        for tensor in (*model.parameters(), *model.buffers())
        if not _is_row_major(tensor)
    ]
    for tensor, data in changed:
        tensor.data = row_major(data)
    try:
        yield
    finally:
        for tensor, data in changed:
            tensor.data = data


def row_major(tensor: Tensor) -> Tensor:
    """The same values with row-major strides.

    `contiguous()` is not enough: a 1x1 kernel in channels-last counts as contiguous, yet its
    strides still ask for channels-last outputs.
    """
    if _is_row_major(tensor):
        return tensor
    return tensor.clone(memory_format=torch.contiguous_format)


def _is_row_major(tensor: Tensor) -> bool:
    strides, step = [], 1
    for size in reversed(tensor.shape):
        strides.append(step)
        step *= max(size, 1)
    return tensor.stride() == tuple(reversed(strides))


def device_of(model: nn.Module) -> torch.device:
    """Where the model's first parameter or buffer lives; the CPU when it has none."""
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(_bytes(tensor) for tensor in (*model.parameters(), *model.buffers()))


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
