"""Random convolutions of all kinds, and what they should give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.device.sparse.blocks import TENSOR_HALF_STEP, TENSOR_VECTOR
from edgeprune.device.sparse.vcsr import pack
from sparse_harness.emulator import Array, Operands
from sparse_harness.planner import Planner
from sparse_harness.structures import (
    CLIP,
    FLOAT16,
    FLOAT32,
    HWC8,
    LINEAR,
    NONE,
    RELU,
    Convolution,
    TacticStruct,
)

TOLERANCE = {FLOAT32: 3e-5, FLOAT16: 6e-3}
DENSITIES = (0.0, 0.02, 0.1, 0.3, 0.6, 1.0)


@dataclass(frozen=True)
class Case:
    """A convolution, how it is laid on the device, its operands and its weight."""

    conv: Convolution
    tactic: TacticStruct
    operands: Operands
    weight: Array


def draw_convolution(rng: np.random.Generator) -> Convolution:
    """Mostly small, with all that a layer may have."""
    kernel = (int(rng.choice([1, 2, 3, 3, 3, 5])), int(rng.choice([1, 2, 3, 3, 3, 5])))
    dilation = (1, 1) if rng.random() < 0.7 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    groups = int(rng.choice([1, 1, 1, 2, 3, 4]))
    type_ = int(rng.choice([FLOAT32, FLOAT16]))
    size = tuple(
        int(rng.integers((k - 1) * d + 1, (k - 1) * d + 30))
        for k, d in zip(kernel, dilation, strict=True)
    )
    pads = [int(rng.integers(0, k + 1)) for k in (*kernel, *kernel)]
    clip = sorted(float(v) for v in rng.normal(size=2))
    return Convolution(
        channels=groups * int(rng.integers(1, 28)),
        outputs=groups * int(rng.integers(1, 40)),
        size=(size[0], size[1]),
        kernel=kernel,
        stride=(int(rng.choice([1, 1, 2, 3])), int(rng.choice([1, 1, 2, 3]))),
        pads=(pads[0], pads[1], pads[2], pads[3]),
        dilation=dilation,
        groups=groups,
        vector=int(rng.choice([1, 2, 4, 8])),
        channel_tile=int(rng.integers(1, 13)),
        activation=int(rng.choice([NONE, RELU, CLIP])),
        clip=(clip[0], clip[1]),
        bias=bool(rng.integers(2)),
        residual=bool(rng.integers(2)),
        batch=int(rng.integers(1, 3)),
        type=type_,
        layout=int(rng.choice([LINEAR, HWC8])) if type_ == FLOAT16 else LINEAR,
        sm=int(rng.choice([72, 87])),  # blocks of up to 16 warps, or cp.async
    )


def draw_weight(
    conv: Convolution, density: float, rng: np.random.Generator, together: int = 1
) -> Array:
    """With this share of columns, scaled so that outputs are about 1.

    Args:
        together: a multiple of so many columns in every list, to the nearest; at least one.
    """
    inputs, height, width = conv.channels // conv.groups, *conv.kernel
    weight = rng.standard_normal((conv.outputs, inputs, height, width))
    lists = rng.random((-(-conv.outputs // conv.vector), inputs * height * width))
    kept = (lists < density).sum(axis=1, keepdims=True)
    if together > 1:
        kept = np.maximum(np.rint(kept / together), 1).astype(int) * together
    shared = (lists.argsort(axis=1).argsort(axis=1) < kept).reshape(-1, inputs, height, width)
    weight *= np.repeat(shared, conv.vector, axis=0)[: conv.outputs]
    weight /= np.sqrt(max(1.0, inputs * height * width * density))
    return weight.astype(_dtype(conv))


def draw_operands(
    conv: Convolution, density: float, rng: np.random.Generator, together: int = 1
) -> tuple[Operands, Array]:
    """Normal numbers, and the dense weight, as `draw_weight` makes it."""
    dtype = _dtype(conv)
    weight = draw_weight(conv, density, rng, together)
    output = (conv.batch, conv.outputs, *conv.output_size)
    operands = Operands(
        x=rng.standard_normal((conv.batch, conv.channels, *conv.size)).astype(dtype),
        packed=pack(
            weight,
            vector=conv.vector,
            channel_tile=conv.channel_tile,
            conv_groups=conv.groups,
        ),
        bias=rng.standard_normal(conv.outputs).astype(np.float32) if conv.bias else None,
        residual=rng.standard_normal(output).astype(dtype) if conv.residual else None,
    )
    return operands, weight


def draw_ticket(conv: Convolution, density: float) -> Operands:
    """Always the same, with columns as the pruner's masks keep them: on tensor cores in eights."""
    together = TENSOR_HALF_STEP if conv.vector == TENSOR_VECTOR else 1
    return draw_operands(conv, density, np.random.default_rng(0), together)[0]


def draw_case(planner: Planner, rng: np.random.Generator) -> Case:
    """One that has a plan, with any of its tactics."""
    while True:
        conv = draw_convolution(rng)
        tactics = planner.tactics(conv) if min(conv.output_size) > 0 else []
        if tactics:
            tactic = tactics[int(rng.integers(len(tactics)))]
            operands, weight = draw_operands(conv, float(rng.choice(DENSITIES)), rng)
            return Case(conv, tactic, operands, weight)


def reference(case: Case) -> tuple[NDArray[np.float64], float]:
    """The output in float64, and the size of what the activation is given."""
    conv, operands = case.conv, case.operands
    top, left, bottom, right = conv.pads
    x = np.pad(operands.x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    height, width = conv.output_size
    rows, inputs = conv.outputs // conv.groups, conv.channels // conv.groups
    y = np.zeros((conv.batch, conv.outputs, height, width))
    for group in range(conv.groups):
        of, to = (
            slice(group * inputs, (group + 1) * inputs),
            slice(group * rows, (group + 1) * rows),
        )
        for kh, kw in np.ndindex(*conv.kernel):
            down, across = kh * conv.dilation[0], kw * conv.dilation[1]
            part = x[
                :, of,
                down : down + (height - 1) * conv.stride[0] + 1 : conv.stride[0],
                across : across + (width - 1) * conv.stride[1] + 1 : conv.stride[1],
            ]  # fmt: skip
            weight = case.weight[to, :, kh, kw].astype(np.float64)
            y[:, to] += np.einsum("oc,nchw->nohw", weight, part, optimize=True)
    if operands.bias is not None:
        y += operands.bias[None, :, None, None]
    if operands.residual is not None:
        y += operands.residual.astype(np.float64)
    scale = float(np.abs(y).max())
    if conv.activation == RELU:
        return np.maximum(y, 0), scale
    if conv.activation == CLIP:
        return np.clip(y, *np.array(conv.clip, dtype=np.float32)), scale
    return y, scale


def relative_error(y: Array, expected: NDArray[np.float64], scale: float) -> float:
    """Largest difference over the largest number that the activation is given; NaN is infinite."""
    difference = np.abs(y.astype(np.float64) - expected).max()
    if np.isnan(difference):
        return float("inf")
    return float(difference / scale) if scale > 0 else float(difference)


def _dtype(conv: Convolution) -> type[np.float16] | type[np.float32]:
    return np.float16 if conv.type == FLOAT16 else np.float32
