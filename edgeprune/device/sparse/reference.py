"""The sparse convolution in numpy, summed in float64: what every kernel is measured by."""

from __future__ import annotations

import numpy as np

from edgeprune.device.sparse.node import SparseConv2d
from edgeprune.device.sparse.vcsr import VcsrError


def sparse_conv2d(
    conv: SparseConv2d, inputs: np.ndarray, residual: np.ndarray | None = None
) -> np.ndarray:
    """The result of a sparse convolution.

    Args:
        inputs: float32 or float16, (N, C, H, W).
        residual: added before the activation; of the result's shape.

    Returns:
        (N, O, OH, OW) of the input's type. Products and sums are float64, rounded once at the end.

    Raises:
        VcsrError: the shapes do not fit.
    """
    require_fit(conv, inputs.shape, None if residual is None else residual.shape)
    batch, _, height, width = inputs.shape
    out_height, out_width = conv.out_size(height, width)
    top, left, bottom, right = conv.pads
    padded = np.pad(inputs.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    groups = conv.weight.conv_groups
    grouped = padded.reshape(batch, groups, -1, *padded.shape[2:])
    weight = conv.weight.unpacked().astype(np.float64)
    weight = weight.reshape(groups, -1, *weight.shape[1:])
    total = np.zeros((batch, groups, weight.shape[1], out_height, out_width))
    for kh, kw in np.ndindex(*weight.shape[3:]):
        rows = _every(kh * conv.dilations[0], conv.strides[0], out_height)
        columns = _every(kw * conv.dilations[1], conv.strides[1], out_width)
        window = grouped[:, :, :, rows, columns]
        total += np.einsum("goc,ngchw->ngohw", weight[..., kh, kw], window, optimize=True)
    result = total.reshape(batch, -1, out_height, out_width)
    if conv.bias is not None:
        result += conv.bias.astype(np.float64)[:, None, None]
    if residual is not None:
        result += residual
    low, high = conv.limits
    return np.clip(result, low, high).astype(inputs.dtype)


def require_fit(
    conv: SparseConv2d, inputs: tuple[int, ...], residual: tuple[int, ...] | None = None
) -> tuple[int, int, int, int]:
    """The result's shape.

    Raises:
        VcsrError: inputs or residual of these shapes do not fit.
    """
    if len(inputs) != 4 or inputs[1] != conv.in_channels:
        raise VcsrError(f"inputs of shape {inputs}: (N, {conv.in_channels}, H, W) is needed")
    shape = (inputs[0], conv.weight.shape[0], *conv.out_size(*inputs[2:]))
    if residual is not None and tuple(residual) != shape:
        raise VcsrError(f"a residual of shape {residual} for a result of {shape}")
    return shape


def _every(first: int, step: int, count: int) -> slice:
    return slice(first, first + (count - 1) * step + 1, step)
