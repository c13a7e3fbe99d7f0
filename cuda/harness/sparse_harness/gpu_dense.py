"""The dense convolution of the same operands: cuDNN's, which torch reaches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeprune.device.errors import DeviceUnsupportedError
from sparse_harness.emulator import Array, Operands
from sparse_harness.structures import FLOAT16, NONE, Convolution


class DenseConvolution:
    """A layer with its bias, in both of torch's memory formats.

    Raises:
        DeviceUnsupportedError: torch is not here or reaches no GPU.
        ValueError: the layer adds a residual or has an activation, which cuDNN's call has not.
    """

    def __init__(self, conv: Convolution, operands: Operands, weight: Array) -> None:
        torch = _torch()
        if conv.residual or conv.activation != NONE:
            raise ValueError("a dense convolution alone has no residual and no activation")
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        dtype = torch.float16 if conv.type == FLOAT16 else torch.float32
        top, left, bottom, right = conv.pads
        if (top, left) != (bottom, right):
            raise ValueError(f"pads {conv.pads}: cuDNN's are alike on both sides")
        x, w = (torch.from_numpy(np.ascontiguousarray(one)).cuda() for one in (operands.x, weight))
        bias = None
        if operands.bias is not None:
            bias = torch.from_numpy(operands.bias).cuda().to(dtype)
        arguments = (conv.stride, (top, left), conv.dilation, conv.groups)
        self._calls: dict[str, Callable[[], object]] = {}
        for name, memory in (("NCHW", torch.contiguous_format), ("NHWC", torch.channels_last)):
            own = (x.contiguous(memory_format=memory), w.contiguous(memory_format=memory), bias)
            self._calls[name] = lambda own=own: torch.conv2d(*own, *arguments)

    @property
    def calls(self) -> dict[str, Callable[[], object]]:
        """By memory format, each queues the convolution."""
        return self._calls

    def output(self) -> Array:
        """(N, K, OH, OW)."""
        found: Array = self._calls["NCHW"]().cpu().numpy()  # type: ignore[attr-defined]
        return found


def _torch():  # type: ignore[no-untyped-def]
    try:
        import torch
    except ImportError as missing:
        raise DeviceUnsupportedError(f"cuDNN is reached through torch: {missing}") from missing
    if not torch.cuda.is_available():
        raise DeviceUnsupportedError("torch reaches no GPU here: install a build of it for CUDA")
    return torch
