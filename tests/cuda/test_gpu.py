"""What is asked of PyCUDA's driver gives right results; and on a GPU, `pytest -m gpu`, so does it.

Without a GPU the driver is a stand-in that passes launches on to the emulated kernels.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sparse_harness import gpu as harness
from sparse_harness.cases import (
    TOLERANCE,
    Case,
    draw_case,
    draw_operands,
    reference,
    relative_error,
)
from sparse_harness.emulator import Emulator
from sparse_harness.gpu import Gpu, Prepared, open_driver
from sparse_harness.gpu_dense import DenseConvolution
from sparse_harness.structures import FLOAT16, FLOAT32, HWC8, LINEAR, Convolution
from sparse_harness.vmma_cases import draw_vmma_case
from standin_pycuda import standin_driver

from edgeprune.device.errors import DeviceUnsupportedError

KINDS = [(FLOAT32, LINEAR), (FLOAT16, LINEAR), (FLOAT16, HWC8)]
CASES, GPU_CASES = 5, 200


def _why_not() -> str:
    try:
        open_driver()
    except DeviceUnsupportedError as reason:
        return str(reason)
    return ""


needs_gpu = pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "a GPU answers")


def assert_right(gpu: Gpu, case: Case) -> None:
    prepared = Prepared(gpu, case.conv, case.tactic, case.operands)
    prepared()
    expected, scale = reference(case)
    error = relative_error(prepared.output(), expected, scale)
    assert error <= TOLERANCE[case.conv.type], case.conv


@pytest.fixture(scope="module")
def standin(plain: Emulator) -> Iterator[Gpu]:
    """A GPU that is the emulation."""
    empty = Path(__file__)
    with Gpu(standin_driver(plain), plain, lambda *_: empty) as gpu:
        yield gpu


@pytest.fixture(scope="module")
def gpu() -> Iterator[Gpu]:
    """The real one."""
    with Gpu(open_driver()) as opened:
        yield opened


@pytest.mark.parametrize("seed", range(CASES))
@pytest.mark.parametrize("draw", [draw_case, draw_vmma_case])
def test_what_the_driver_is_asked_for_is_right(standin: Gpu, draw: object, seed: int) -> None:
    assert_right(standin, draw(standin.planner, np.random.default_rng(3000 + seed)))


def test_a_large_block_s_shared_memory_is_allowed_first(standin: Gpu) -> None:
    conv = Convolution(channels=64, outputs=8, size=(20, 28), channel_tile=24)
    planner = standin.planner
    tactic = max(planner.tactics(conv), key=lambda one: planner.plan(conv, one).shared_bytes)
    assert planner.plan(conv, tactic).shared_bytes > 48 * 1024
    operands, weight = draw_operands(conv, 0.1, np.random.default_rng(0))
    assert_right(standin, Case(conv, tactic, operands, weight))


def test_a_tactic_without_a_plan_is_told(standin: Gpu) -> None:
    conv = Convolution(channels=512, outputs=8, size=(56, 56), channel_tile=512)
    operands, _ = draw_operands(conv, 0.1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="smaller channel tile"):
        Prepared(standin, conv, standin.planner.default_tactic(conv), operands)


def test_times_are_of_one_call(standin: Gpu) -> None:
    calls = []
    assert standin.time_ms(lambda: calls.append(1), repeats=3) == 1.0  # the stand-in's clock
    assert len(calls) == 5


def test_without_pycuda_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(DeviceUnsupportedError, match=r"pip install 'edgeprune\[pycuda\]'") as told:
        open_driver()
    assert told.value.exit_code == 5
    assert "\n" not in str(told.value)


class _Driver:
    """That answers, but has no GPU."""

    class Error(Exception):
        """PyCUDA's own."""

    class Device:
        """None of them."""

        @staticmethod
        def count() -> int:
            return 0

    @staticmethod
    def init() -> None:
        pass


def test_a_driver_without_a_gpu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.importlib, "import_module", lambda _: _Driver)
    with pytest.raises(DeviceUnsupportedError, match="the driver knows of none"):
        open_driver()

    def refuse() -> None:
        raise _Driver.Error("cuInit failed: no device")

    monkeypatch.setattr(_Driver, "init", staticmethod(refuse))
    with pytest.raises(DeviceUnsupportedError, match="cuInit failed: no device"):
        open_driver()


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("draw", [draw_case, draw_vmma_case])
def test_random_cases_on_the_device(gpu: Gpu, draw: object) -> None:
    if draw is draw_vmma_case and gpu.sm < 80:
        pytest.skip("these tensor cores come with sm_80")
    gpu.load([name for name in gpu.planner.kernel_names if ("vmma" in name) <= (gpu.sm >= 80)])
    for seed in range(GPU_CASES):
        case = draw(gpu.planner, np.random.default_rng(seed))
        conv = replace(case.conv, sm=gpu.sm)
        if not gpu.planner.plan(conv, case.tactic).reason:
            assert_right(gpu, replace(case, conv=conv))


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("vector", [1, 2, 4, 8, 32])
@pytest.mark.parametrize("kind", KINDS, ids=["f32", "f16", "hwc8"])
def test_every_tactic_equals_cudnn(gpu: Gpu, kind: tuple[int, int], vector: int) -> None:
    if vector == 32 and (kind[0] == FLOAT32 or gpu.sm < 80):
        pytest.skip("tensor cores take FP16, from sm_80 on")
    conv = Convolution(
        channels=64, outputs=64, size=(28, 28), type=kind[0], layout=kind[1], vector=vector,
        channel_tile=8, bias=True, sm=gpu.sm,
    )  # fmt: skip
    operands, weight = draw_operands(conv, 0.1, np.random.default_rng(0))
    try:
        dense = DenseConvolution(conv, operands, weight)
    except DeviceUnsupportedError as reason:
        pytest.skip(str(reason))
    expected = dense.output().astype(np.float64)
    tactics = gpu.planner.tactics(conv)
    gpu.load([gpu.planner.plan(conv, tactic).kernel.decode() for tactic in tactics])
    for tactic in tactics:
        prepared = Prepared(gpu, conv, tactic, operands)
        prepared()
        error = relative_error(prepared.output(), expected, float(np.abs(expected).max()))
        assert error <= TOLERANCE[conv.type]
