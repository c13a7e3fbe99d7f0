"""Weights as the tensor-core kernel reads them hold what was packed, in an order that suits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sparse_harness.cases import draw_weight
from sparse_harness.planner import Planner
from sparse_harness.ring import ring_offsets
from sparse_harness.structures import FLOAT16, HWC8, LINEAR, Convolution, TacticStruct

from edgeprune.device.sparse.vcsr import Vcsr, pack

CONV = Convolution(
    channels=40, outputs=70, size=(14, 14), type=FLOAT16, vector=32, channel_tile=16
)  # fmt: skip
NO_COLUMN = 65535
STRIDED = replace(CONV, stride=(2, 2), kernel=(5, 5), pads=(2, 2, 2, 2), dilation=(1, 2))


def packed_weight(conv: Convolution, density: float) -> Vcsr:
    weight = draw_weight(conv, density, np.random.default_rng(0))
    return pack(weight, vector=conv.vector, channel_tile=conv.channel_tile)


def columns_of_step(values: NDArray[np.float16]) -> NDArray[np.float16]:
    """(16, 32): a step's weights by column in the order of its offsets, and by row.

    A lane gathers columns 4 t to 4 t + 3 of a step as b0 to b3, which the PTX ISA has multiply
    columns 2 t, 2 t + 1, 2 t + 8 and 2 t + 9 of matrix a.
    """
    fragments = values.reshape(2, 32, 8)  # half of the rows, lane, a0 to a7
    matrix = np.empty((2, 16, 16), dtype=np.float16)
    for lane in range(32):
        for i in range(8):
            row = lane // 4 + (8 if i in (2, 3, 6, 7) else 0)
            matrix[:, row, lane % 4 * 2 + i % 2 + (8 if i >= 4 else 0)] = fragments[:, lane, i]
    order = [2 * t + k for t in range(4) for k in (0, 1, 8, 9)]
    return matrix.reshape(32, 16)[:, order].T


def gathers(offsets: NDArray[np.uint16]) -> int:
    """Columns that a lane gathers in one step: half a step has two."""
    return 2 if offsets[2] == NO_COLUMN else 4


def clocks(offsets: NDArray[np.uint16], word_bytes: int) -> int:
    """Of the gathers of one step at stride 1: the most words that a bank passes, phase by phase."""
    total = 0
    for i in range(gathers(offsets)):
        words = offsets.astype(int).reshape(4, 4)[:, i][None, :] + np.arange(8)[:, None]
        for phase in np.split(words, 8 // (32 // word_bytes)):
            banks = [set() for _ in range(32)]
            for word in {int(w) for w in phase.ravel()}:
                for bank in range(word_bytes // 4):
                    banks[(word * word_bytes // 4 + bank) % 32].add(word)
            total += max(map(len, banks))
    return total


def tactics_by_rows(planner: Planner, conv: Convolution) -> list[TacticStruct]:
    return list({tactic.pixels_per_lane: tactic for tactic in planner.tactics(conv)}.values())


@pytest.mark.parametrize("conv", [CONV, STRIDED])
@pytest.mark.parametrize("density", [0.0, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("layout", [LINEAR, HWC8])
def test_holds_every_column_once(
    planner: Planner, conv: Convolution, density: float, layout: int
) -> None:
    conv = replace(conv, layout=layout)
    packed = packed_weight(conv, density)
    for tactic in tactics_by_rows(planner, conv):
        wanted_offsets = ring_offsets(planner, conv, tactic, packed)
        seg, off, val = planner.arrange(conv, tactic, packed)
        assert seg[-1] * 16 == len(off)
        for group in range(len(packed.perm)):
            first, last = group * packed.tiles, (group + 1) * packed.tiles
            given = slice(packed.seg[first], packed.seg[last])
            steps = range(seg[first], seg[last])
            own = off[seg[first] * 16 : seg[last] * 16]
            columns = [columns_of_step(val[16 * step : 16 * step + 16]) for step in steps]
            values = np.concatenate([np.empty((0, 32), np.float16), *columns])
            stored = (values != 0).any(axis=1)
            assert stored.sum() == packed.seg[last] - packed.seg[first]
            found = sorted(zip(own[stored], map(bytes, values[stored]), strict=True))
            wanted = zip(wanted_offsets[given], map(bytes, packed.val[given]), strict=True)
            assert found == sorted(wanted)
            assert set(own[~stored]) <= {*wanted_offsets[given], NO_COLUMN}


@pytest.mark.parametrize("density", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("layout", [LINEAR, HWC8])
def test_gathers_meet_in_few_banks(planner: Planner, density: float, layout: int) -> None:
    """Against the order in which the format has the columns, every tile's padded to whole steps."""
    conv = replace(CONV, layout=layout)
    packed = packed_weight(conv, density)
    for tactic in tactics_by_rows(planner, conv):
        word_bytes = 8 if tactic.pixels_per_lane <= 4 else 16
        wanted = ring_offsets(planner, conv, tactic, packed)
        _, off, _ = planner.arrange(conv, tactic, packed)
        arranged = sum(clocks(step, word_bytes) for step in off.reshape(-1, 16))
        least = plain = 0
        for s in range(len(packed.seg) - 1):
            own = wanted[packed.seg[s] : packed.seg[s + 1]]
            padded = np.concatenate([own, np.repeat(own[-1:], -len(own) % 16)])
            least += 4 * word_bytes // 4 * (len(padded) // 16)
            plain += sum(clocks(step, word_bytes) for step in padded.reshape(-1, 16))
        assert arranged - least <= 0.5 * (plain - least)
        assert arranged <= 1.4 * least
