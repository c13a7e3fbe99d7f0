"""Random convolutions for tensor cores: V = 32, float16."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sparse_harness.cases import DENSITIES, Case, draw_convolution, draw_operands
from sparse_harness.emulator import EmulationError, Emulator
from sparse_harness.planner import Planner, address
from sparse_harness.structures import FLOAT16, HWC8, LINEAR, Convolution


def draw_vmma_convolution(rng: np.random.Generator) -> Convolution:
    """As `draw_convolution`, with up to four groups of 32 output channels."""
    conv = draw_convolution(rng)
    return replace(
        conv,
        vector=32,
        outputs=conv.groups * int(rng.integers(1, 110)),
        type=FLOAT16,
        layout=int(rng.choice([LINEAR, HWC8])),
        sm=87,
    )


def draw_vmma_case(planner: Planner, rng: np.random.Generator) -> Case:
    """One that has a plan, with any of its tactics."""
    while True:
        conv = draw_vmma_convolution(rng)
        tactics = planner.tactics(conv) if min(conv.output_size) > 0 else []
        if tactics:
            tactic = tactics[int(rng.integers(len(tactics)))]
            operands, weight = draw_operands(conv, float(rng.choice(DENSITIES)), rng)
            return Case(conv, tactic, operands, weight)


def multiply_fragments(
    emulator: Emulator,
    a: NDArray[np.float16],
    b: NDArray[np.float16],
    d: NDArray[np.float32],
    absent: int = 0,
    *,
    half: bool = False,
) -> NDArray[np.float32]:
    """One mma.m16n8k16 of a warp: what each lane's registers hold of a, b and d, and d afterwards.

    Args:
        emulator: a library of the kernels for tensor cores alone.
        a: (32, 8), numbers a0 to a7 of every lane.
        b: (32, 4), numbers b0 to b3.
        d: (32, 4), numbers c0 to c3.
        absent: a mask of lanes that do not take part.
        half: mma.m16n8k8, which has a0 to a3, b0 and b1 alone.

    Raises:
        EmulationError: not all lanes have taken part.
    """
    result = np.ascontiguousarray(d).copy()
    failure = ctypes.create_string_buffer(512)
    failed = emulator.library.edgeprune_multiply_fragments(
        address(np.ascontiguousarray(a)), address(np.ascontiguousarray(b)), address(result),
        ctypes.c_uint32(absent), int(half), failure, ctypes.c_size_t(len(failure)),
    )  # fmt: skip
    if failed:
        raise EmulationError(failure.value.decode())
    return result
