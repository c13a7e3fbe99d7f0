"""INT8 as numbers that can be trained: what a tensor becomes when it is rounded and read back.

The grid is the one of ONNX's QuantizeLinear with int8 and no zero point, which is TensorRT's:
`clamp(round(x / scale)) * scale`, ties to the even level. Rounding has no slope of its own, so the
gradient passes straight through (Bengio et al., 2013, arXiv 1308.3432).
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LOWEST: Final = -128
HIGHEST: Final = 127
# The smallest normal FP16: graphs for TensorRT 10 and later hold their scales in FP16.
SMALLEST_SCALE: Final = 2.0**-14


def fake_weight(weight: Tensor, axis: int) -> Tensor:
    """Weights on a symmetric grid per output channel: scale max|w| / 127, levels -127 to 127.

    The scale follows the weights, so none is ever clipped, and the gradient with respect to the
    weights is that with respect to the result. A channel of zeros stays one.

    Args:
        weight: floating point, any layout.
        axis: of the output channels.
    """
    others = [dim for dim in range(weight.dim()) if dim != axis]
    largest = weight.detach().float().abs().amax(others, keepdim=True)
    scale = (largest / HIGHEST).clamp_min(torch.finfo(torch.float32).tiny)
    result: Tensor = _StraightThrough.apply(weight, scale)
    return result


def fake_input(values: Tensor, scale: Tensor) -> Tensor:
    """Activations on a symmetric grid of one learned scale, levels -128 to 127.

    Gradients are those of LSQ (Esser et al., ICLR 2020, arXiv 1902.08153): eq. 3 with respect to
    the scale, times 1 / sqrt(N * 127) for the N values of one sample (section 2.2); eq. 5 with
    respect to the values, which is zero where they are clipped. Computed in float32, also inside
    autocast; the result has the values' own dtype.

    Args:
        values: (batch, ...).
        scale: a positive float32 scalar.
    """
    result: Tensor = _LearnedStep.apply(values, scale)
    return result


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, weight: Tensor, scale: Tensor) -> Tensor:
        levels = (weight.float() / scale).round_().clamp_(-HIGHEST, HIGHEST)
        return (levels * scale).to(weight.dtype)

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


class _LearnedStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(values, scale)
        levels = (values.float() / scale).round_().clamp_(LOWEST, HIGHEST)
        return (levels * scale).to(values.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        values, scale = ctx.saved_tensors
        (gradient,) = gradients
        steps = values.float() / scale
        inside = (steps > LOWEST) & (steps < HIGHEST)
        slope = steps.round().clamp_(LOWEST, HIGHEST) - steps * inside
        balance = 1.0 / math.sqrt(max(values[0].numel(), 1) * HIGHEST)
        of_scale = (gradient.float() * slope).sum() * balance
        return gradient * inside, of_scale
