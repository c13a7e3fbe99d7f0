"""CUDA through NVIDIA's `cuda-python`, for programs that use it themselves."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
from typing import Any

from edgeprune.device.cuda.cudart import CudartApi
from edgeprune.device.cuda.errors import SUCCESS, failure
from edgeprune.device.errors import DeviceUnsupportedError

_MODULES = ("cuda.bindings.runtime", "cuda.cudart")
# Arguments that are members of an enumeration there: function -> (position, enumeration).
_ENUMERATIONS = {
    "cudaMemcpyAsync": (3, "cudaMemcpyKind"),
    "cudaStreamBeginCapture": (1, "cudaStreamCaptureMode"),
    "cudaDeviceGetAttribute": (0, "cudaDeviceAttr"),
}


class CudaPythonApi(CudartApi):
    """The functions of `libcudart` in cuda-python, which returns `(code, value, ...)`.

    It calls the same runtime, whose context of a device is the primary one.

    Raises:
        DeviceUnsupportedError: cuda-python is not installed, or is older than CUDA 12.
    """

    name = "cuda-python"

    def __init__(self) -> None:
        self._module = _import()
        version = self._int("cudaRuntimeGetVersion")
        self.version = version // 1000, version % 1000 // 10
        if self.version < (12, 0):
            raise DeviceUnsupportedError(
                f"cuda-python {self.version[0]}.{self.version[1]} is too old: 12.0 or newer is "
                "needed; leave cuda-python out to use CUDA's library itself"
            )

    def _call(self, name: str, *arguments: Any, about: str = "") -> None:
        outs = [value for value in arguments if isinstance(value, ctypes._SimpleCData)]
        given = [value for value in arguments if not isinstance(value, ctypes._SimpleCData)]
        if name in _ENUMERATIONS:
            position, enumeration = _ENUMERATIONS[name]
            given[position] = getattr(self._module, enumeration)(given[position])
        code, *values = getattr(self._module, name)(*given)
        if int(code) != SUCCESS:
            self._module.cudaGetLastError()
            text = self._module.cudaGetErrorString(code)[1]
            raise failure(name + about, int(code), text.decode("utf-8", errors="replace"))
        for out, value in zip(outs, values):
            out.value = value if isinstance(value, float) else int(value)


def _import() -> Any:
    for name in _MODULES:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    raise DeviceUnsupportedError(
        "cuda-python is not installed: pip install cuda-python, or leave it out"
    )
