"""Runs convolutions on a GPU through PyCUDA: the real kernels, compiled by NVRTC for that GPU."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np

from edgeprune.device.errors import DeviceUnsupportedError
from sparse_harness.build import plan_library
from sparse_harness.emulator import Array, Operands, from_hwc8, to_hwc8
from sparse_harness.images import image
from sparse_harness.planner import Planner
from sparse_harness.structures import FLOAT16, HWC8, Convolution, TacticStruct

ImageOf = Callable[[int, Sequence[str]], Path]
_DEFAULT_SHARED_BYTES = 48 * 1024
_LEAST_MS = 0.5  # between two events, so that their own resolution does not count


class PointersStruct(ctypes.Structure):
    """`DirectPointers` of cuda/plan/arguments.h."""

    _fields_ = [
        (name, ctypes.c_void_p)
        for name in ("seg", "off", "val", "slots", "bias", "x", "residual", "y")
    ]


def open_driver() -> ModuleType:
    """PyCUDA's driver, with a GPU behind it.

    Raises:
        DeviceUnsupportedError: one or the other is not here; one line says which.
    """
    try:
        driver = importlib.import_module("pycuda.driver")
    except ImportError as missing:
        raise DeviceUnsupportedError(
            f"PyCUDA does not load ({missing}): pip install 'edgeprune[pycuda]' where CUDA is"
        ) from missing
    try:
        driver.init()
        count = driver.Device.count()
    except driver.Error as failure:
        raise DeviceUnsupportedError(f"no NVIDIA GPU answers: {failure}") from failure
    if count == 0:
        raise DeviceUnsupportedError("no NVIDIA GPU answers: the driver knows of none")
    return driver


class Gpu:
    """The first GPU, in the context that torch uses, too; `with` gives it back.

    Args:
        driver: PyCUDA's.
        planner: the host side of the kernels.
        image_of: compiles kernels for a compute capability.
    """

    def __init__(
        self, driver: ModuleType, planner: Planner | None = None, image_of: ImageOf = image
    ) -> None:
        self._driver, self._image_of = driver, image_of
        device = driver.Device(0)
        self.name = str(device.name())
        major, minor = device.compute_capability()
        self.sm = 10 * int(major) + int(minor)
        self.planner = planner or Planner(plan_library())
        self._context = device.retain_primary_context()
        self._modules: dict[str, Any] = {}

    def __enter__(self) -> Gpu:
        self._context.push()
        return self

    def __exit__(self, *_: object) -> None:
        self._modules.clear()
        self._context.pop()

    def load(self, kernels: Sequence[str]) -> None:
        """Compile kernels that are not there yet, all at once."""
        new = sorted(set(kernels) - set(self._modules))
        if new:
            module = self._driver.module_from_buffer(self._image_of(self.sm, new).read_bytes())
            self._modules.update(dict.fromkeys(new, module))

    def function(self, kernel: str, shared_bytes: int) -> Any:
        """A kernel that may be launched with so much shared memory."""
        self.load([kernel])
        function = self._modules[kernel].get_function(kernel)
        if shared_bytes > _DEFAULT_SHARED_BYTES:
            attribute = self._driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES
            function.set_attribute(attribute, shared_bytes)
        return function

    def uploaded(self, array: Array | None) -> Any:
        """An array on the device; None for none."""
        if array is None:
            return None
        there = self._driver.mem_alloc(max(array.nbytes, 16))
        if array.nbytes:
            self._driver.memcpy_htod(there, np.ascontiguousarray(array))
        return there

    def downloaded(self, there: Any, like: Array) -> Array:
        """What lies on the device, in an array of this shape and type."""
        found = np.empty_like(like)
        self._driver.memcpy_dtoh(found, there)
        return found

    def time_ms(self, call: Callable[[], None], repeats: int = 15) -> float:
        """Median time of a call, by the GPU's clock."""
        call()
        launches = 1
        while (took := self._between_events(call, launches)) < _LEAST_MS and launches < 4096:
            launches *= 2 if took <= 0 else min(16, max(2, int(_LEAST_MS / took) + 1))
        return median(self._between_events(call, launches) / launches for _ in range(repeats))

    def _between_events(self, call: Callable[[], None], launches: int) -> float:
        start, end = self._driver.Event(), self._driver.Event()
        start.record()
        for _ in range(launches):
            call()
        end.record()
        end.synchronize()
        return float(start.time_till(end))


class Prepared:
    """A convolution whose arrays are on the device; a call queues its launch.

    Raises:
        ValueError: this tactic has no plan; the message says why.
    """

    def __init__(
        self, gpu: Gpu, conv: Convolution, tactic: TacticStruct, operands: Operands
    ) -> None:
        plan = gpu.planner.plan(conv, tactic)
        if plan.reason:
            raise ValueError(plan.reason.decode())
        self._gpu, self._conv = gpu, conv
        self._function = gpu.function(plan.kernel.decode(), plan.shared_bytes)
        self._empty = _laid_out(conv, _unwritten(conv))
        arrays = {
            **_weights(gpu.planner, conv, tactic, operands),
            "bias": operands.bias,
            "x": _laid_out(conv, operands.x),
            "residual": None if operands.residual is None else _laid_out(conv, operands.residual),
            "y": self._empty,
        }
        self._held = {name: gpu.uploaded(array) for name, array in arrays.items()}
        pointers = PointersStruct(
            **{name: None if held is None else int(held) for name, held in self._held.items()}
        )
        # PyCUDA passes arrays of bytes as they are, which is how a kernel takes a struct.
        self._passed = [np.frombuffer(bytes(part), np.uint8) for part in (pointers, plan.arguments)]
        self._grid, self._block = tuple(plan.grid), (plan.block, 1, 1)
        self._shared_bytes = plan.shared_bytes

    def __call__(self) -> None:
        """Queue it."""
        self._function(*self._passed, grid=self._grid, block=self._block, shared=self._shared_bytes)

    def output(self) -> Array:
        """What it has left, (N, K, OH, OW)."""
        y = self._gpu.downloaded(self._held["y"], self._empty)
        return from_hwc8(y, self._conv.outputs) if self._conv.layout == HWC8 else y


def _weights(
    planner: Planner, conv: Convolution, tactic: TacticStruct, operands: Operands
) -> dict[str, Array]:
    """As the kernel of this tactic reads them."""
    packed = operands.packed
    slots = planner.slots(conv, tactic, packed.perm)
    seg, off, val = planner.arrange(conv, tactic, packed)
    return {"seg": seg, "off": off, "val": val, "slots": slots}


def _unwritten(conv: Convolution) -> Array:
    dtype = np.float16 if conv.type == FLOAT16 else np.float32
    return np.full((conv.batch, conv.outputs, *conv.output_size), np.nan, dtype=dtype)


def _laid_out(conv: Convolution, tensor: Array) -> Array:
    return to_hwc8(tensor, np.nan) if conv.layout == HWC8 else np.ascontiguousarray(tensor)
