"""Random convolutions on the emulated tensor cores equal a float64 reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sparse_harness.cases import TOLERANCE, Case, draw_operands, reference, relative_error
from sparse_harness.emulator import FORWARD, RANDOM, REVERSE, Emulator, Operands
from sparse_harness.structures import CLIP, FLOAT16, HWC8, LINEAR, Convolution
from sparse_harness.vmma_cases import draw_vmma_case

from edgeprune.device.sparse.vcsr import pack

CASES = 30
BASE = Convolution(
    channels=24, outputs=72, size=(15, 33), type=FLOAT16, vector=32, channel_tile=8, bias=True,
    residual=True, activation=1,
)  # fmt: skip


def assert_right(emulator: Emulator, case: Case, schedule: int = FORWARD) -> None:
    expected, scale = reference(case)
    y = emulator.run(case.conv, case.tactic, case.operands, schedule=schedule)
    assert relative_error(y, expected, scale) <= TOLERANCE[FLOAT16], case.conv


@pytest.mark.parametrize("schedule", [FORWARD, REVERSE, RANDOM])
@pytest.mark.parametrize("seed", range(CASES))
def test_random_cases(vmma: Emulator, seed: int, schedule: int) -> None:
    assert_right(vmma, draw_vmma_case(vmma, np.random.default_rng(seed)), schedule)


@pytest.mark.parametrize("seed", range(CASES))
def test_without_races(vmma_races: Emulator, seed: int) -> None:
    assert_right(vmma_races, draw_vmma_case(vmma_races, np.random.default_rng(1000 + seed)))


@pytest.mark.parametrize("layout", [LINEAR, HWC8])
def test_every_kernel(vmma: Emulator, layout: int) -> None:
    conv = replace(BASE, layout=layout)
    operands, weight = draw_operands(conv, 0.2, np.random.default_rng(0))
    seen = set()
    for tactic in vmma.tactics(conv):
        kernel = vmma.plan(conv, tactic).kernel
        if kernel not in seen:
            seen.add(kernel)
            assert_right(vmma, Case(conv, tactic, operands, weight))
    wanted = f"edgeprune_vmma_f16_{'hwc8' if layout else 'linear'}_v32_"
    assert len(seen) == sum(name.startswith(wanted) for name in vmma.kernel_names) == 3


@pytest.mark.parametrize("outputs", [31, 33, 62, 64])
@pytest.mark.parametrize("layout", [LINEAR, HWC8])
def test_groups_that_are_not_full(vmma: Emulator, outputs: int, layout: int) -> None:
    """Channels beside a multiple of 32, of 4 and of 8, in two groups of the convolution."""
    conv = replace(BASE, outputs=2 * outputs, groups=2, layout=layout, activation=CLIP)
    operands, weight = draw_operands(conv, 0.3, np.random.default_rng(outputs))
    assert_right(vmma, Case(conv, vmma.default_tactic(conv), operands, weight))


@pytest.mark.parametrize("channel_tile", [1, 3])
def test_more_tiles_than_lanes(vmma: Emulator, channel_tile: int) -> None:
    """Bounds of segments are looked up 32 at a time."""
    conv = replace(BASE, channels=100, channel_tile=channel_tile, size=(5, 9))
    operands, weight = draw_operands(conv, 0.3, np.random.default_rng(0))
    assert_right(vmma, Case(conv, vmma.default_tactic(conv), operands, weight))


def test_faults_of_the_input_stay_where_they_are(vmma: Emulator) -> None:
    """A NaN in a channel that a group does not read is not in its outputs."""
    conv = replace(BASE, outputs=64, size=(6, 6), bias=False, residual=False, activation=0)
    weight = np.zeros((64, 24, 3, 3), dtype=np.float16)
    weight[:32, 3] = 1
    weight[32:, 5] = 1
    x = np.ones((1, 24, 6, 6), dtype=np.float16)
    x[0, 3, 2, 2] = np.nan
    operands = Operands(x, pack(weight, vector=32, channel_tile=8))
    for tactic in vmma.tactics(conv):
        y = vmma.run(conv, tactic, operands)
        assert np.isnan(y[0, :32]).sum() == 32 * 9
        assert not np.isnan(y[0, 32:]).any()


def test_the_library_with_all_kernels_has_these(plain: Emulator) -> None:
    operands, weight = draw_operands(BASE, 0.2, np.random.default_rng(0))
    assert_right(plain, Case(BASE, plain.default_tactic(BASE), operands, weight))
