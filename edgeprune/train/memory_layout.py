"""Networks train channels-last, but for the layers that cannot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.data.memory_format import in_format

# oneDNN's backward of a strided 1x1 convolution writes out of bounds on channels-last tensors with
# fewer input channels than a vector register holds (seen with AVX2 in torch 2.14: below 8; twice
# that is kept clear of). Pruned shortcuts get that narrow.
_SAFE_STRIDED_POINTWISE_CHANNELS = 16


def lay_out(module: nn.Module) -> None:
    """Give every 4-D parameter the layout that trains fastest, in place.

    Called after construction, restoring and surgery alike: kernels are chosen by layout, and a
    resumed run must sum in the same order as the run it continues. Inputs go in the same layout
    (`in_layout`), and training passes run `sheltered`.
    """
    narrow = {id(layer.weight) for layer in _narrow_shortcuts(module)}
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() != 4:
                continue
            if id(parameter) in narrow:
                # Laid out anew: the strides of a 1x1 kernel may say either layout.
                parameter.data = parameter.data.flatten(1).contiguous()[:, :, None, None]
            else:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def in_layout(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The 4-D tensors among `tensors` in the layout of the parameters, the others as they are."""
    return tuple(in_format(t, torch.channels_last) if t.dim() == 4 else t for t in tensors)


@contextlib.contextmanager
def sheltered(module: nn.Module) -> Iterator[None]:
    """Passes of `module` that a backward may follow: narrow strided shortcuts run contiguously."""
    handles = []
    for layer in _narrow_shortcuts(module):
        handles.append(layer.register_forward_pre_hook(_contiguous_inputs, with_kwargs=True))
        handles.append(layer.register_forward_hook(_channels_last_output))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _narrow_shortcuts(module: nn.Module) -> list[nn.Conv2d]:
    return [
        layer
        for layer in module.modules()
        if isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (1, 1)
        and max(layer.stride) > 1
        and layer.in_channels < _SAFE_STRIDED_POINTWISE_CHANNELS
        and layer.weight.device.type == "cpu"
    ]


def _contiguous_inputs(
    _layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return tuple(map(_plain, args)), {name: _plain(value) for name, value in kwargs.items()}


def _plain(images: Tensor) -> Tensor:
    """A convolution takes single images as well, which have no such layouts."""
    return in_format(images, torch.contiguous_format) if images.dim() == 4 else images


def _channels_last_output(_layer: nn.Module, _args: object, output: Tensor) -> Tensor:
    if output.dim() != 4:
        return output
    return output.contiguous(memory_format=torch.channels_last)
