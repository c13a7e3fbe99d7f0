"""What staging takes; `tests/cuda/test_staging.py` holds it against what the emulation counts."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.device.sparse.blocks import Block, PackedConv
from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.staging import staging

_CONV = PackedConv(ConvShape(64, 64, (28, 28), (28, 28), (3, 3)), 4, 16, "fp32")
_BLOCK = Block(28, 7, 1, 1, 8)


def test_it_is_the_same_whatever_the_tile_of_channels() -> None:
    assert staging(_CONV, _BLOCK) == staging(replace(_CONV, channel_tile=4), _BLOCK)


def test_blocks_that_serve_more_outputs_bring_the_input_less_often() -> None:
    whole, half = staging(_CONV, _BLOCK), staging(_CONV, replace(_BLOCK, warps=4))
    assert half.shared_clocks == 2 * whole.shared_clocks
    assert half.instructions == 2 * whole.instructions
    assert staging(replace(_CONV, vector=8), replace(_BLOCK, warps=4)) == whole
