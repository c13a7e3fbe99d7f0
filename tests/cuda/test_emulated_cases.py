"""Random convolutions through the emulation equal a float64 reference, whatever the schedule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sparse_harness.cases import (
    TOLERANCE,
    Case,
    draw_case,
    draw_operands,
    reference,
    relative_error,
)
from sparse_harness.emulator import FORWARD, RANDOM, REVERSE, Emulator, Operands
from sparse_harness.structures import FLOAT16, FLOAT32, HWC8, LINEAR, Convolution

from edgeprune.device.sparse.vcsr import pack

CASES = 40


def assert_right(emulator: Emulator, case: Case, schedule: int = FORWARD) -> None:
    expected, scale = reference(case)
    y = emulator.run(case.conv, case.tactic, case.operands, schedule=schedule)
    assert relative_error(y, expected, scale) <= TOLERANCE[case.conv.type], case.conv


@pytest.mark.parametrize("schedule", [FORWARD, REVERSE, RANDOM])
@pytest.mark.parametrize("seed", range(CASES))
def test_random_cases(plain: Emulator, seed: int, schedule: int) -> None:
    assert_right(plain, draw_case(plain, np.random.default_rng(seed)), schedule)


@pytest.mark.parametrize("seed", range(CASES))
def test_without_races(races: Emulator, seed: int) -> None:
    assert_right(races, draw_case(races, np.random.default_rng(1000 + seed)))


@pytest.mark.parametrize(
    "kind", [(FLOAT32, LINEAR), (FLOAT16, LINEAR), (FLOAT16, HWC8)], ids=["f32", "f16", "hwc8"]
)
@pytest.mark.parametrize("vector", [1, 2, 4, 8])
def test_every_kernel(plain: Emulator, kind: tuple[int, int], vector: int) -> None:
    conv = Convolution(
        channels=24, outputs=20, size=(15, 33), type=kind[0], layout=kind[1], vector=vector,
        channel_tile=8, bias=True, residual=True, activation=1,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    operands, weight = draw_operands(conv, 0.2, rng)
    seen = set()
    for tactic in plain.tactics(conv):
        kernel = plain.plan(conv, tactic).kernel
        if kernel not in seen:
            seen.add(kernel)
            assert_right(plain, Case(conv, tactic, operands, weight))
    wanted = (
        f"{'f16' if kind[0] == FLOAT16 else 'f32'}_{'hwc8' if kind[1] else 'linear'}_v{vector}_"
    )
    assert len(seen) == sum(wanted in name for name in plain.kernel_names)


def test_nan_and_infinity_pass_the_activation(plain: Emulator) -> None:
    """A layer's fault is seen, not clipped away."""
    conv = Convolution(
        channels=1, outputs=4, size=(4, 4), kernel=(1, 1), pads=(0, 0, 0, 0), activation=1
    )
    weight = np.ones((4, 1, 1, 1), dtype=np.float32)
    x = np.array([np.nan, np.inf, -np.inf, -1.0] * 4, dtype=np.float32).reshape(1, 1, 4, 4)
    operands = Operands(x, pack(weight, vector=4, channel_tile=16))
    y = plain.run(conv, plain.default_tactic(conv), operands)
    np.testing.assert_array_equal(y[0, 0, 0], np.array([np.nan, np.inf, 0, 0], dtype=np.float32))


def test_float16_sums_beyond_sixteen_terms(plain: Emulator) -> None:
    """Sums far above what float16 resolves stay right, as they are kept in float32."""
    conv = Convolution(
        channels=512, outputs=4, size=(1, 8), kernel=(1, 1), pads=(0, 0, 0, 0), type=FLOAT16,
        channel_tile=64,
    )  # fmt: skip
    weight = np.ones((4, 512, 1, 1), dtype=np.float16)
    x = np.full((1, 512, 1, 8), 8.0, dtype=np.float16)
    x[0, ::2] = 1.0
    operands = Operands(x, pack(weight, vector=4, channel_tile=64))
    y = plain.run(conv, plain.default_tactic(conv), operands)
    np.testing.assert_array_equal(y, np.float16(256 * 9))


@pytest.mark.parametrize("type_", [FLOAT32, FLOAT16])
@pytest.mark.parametrize("batch", [1, 2, 3, 9])
def test_images_smaller_than_a_copy(plain: Emulator, batch: int, type_: int) -> None:
    """Nothing behind the last one is read."""
    conv = Convolution(
        channels=1, outputs=3, size=(1, 1), kernel=(1, 1), pads=(0, 0, 0, 0), batch=batch,
        type=type_, channel_tile=1,
    )  # fmt: skip
    operands, weight = draw_operands(conv, 1.0, np.random.default_rng(0))
    for tactic in plain.tactics(conv):
        assert_right(plain, Case(conv, tactic, operands, weight))


def test_padding_channels_are_zero(plain: Emulator) -> None:
    """Of kHWC8, whose pixels are padded to 8 channels; the input's may hold anything."""
    conv = Convolution(channels=5, outputs=6, size=(6, 6), type=FLOAT16, layout=HWC8)
    operands, weight = draw_operands(conv, 0.5, np.random.default_rng(0))
    case = Case(conv, plain.default_tactic(conv), operands, weight)
    assert_right(plain, case)
    assert_right(plain, replace(case, conv=replace(conv, activation=1)))
