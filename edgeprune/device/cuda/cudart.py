"""`libcudart` through ctypes: the default way to CUDA, and the only one on a fresh board."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_float, c_int, c_size_t, c_uint, c_ulonglong, c_void_p
from typing import Any, Sequence

from edgeprune.device.cuda.api import CudaApi, MemoryInfo
from edgeprune.device.cuda.errors import SUCCESS, failure
from edgeprune.device.cuda.library import load_cudart
from edgeprune.device.errors import DeviceUnsupportedError

_OUT = POINTER(c_void_p)
_SIGNATURES: dict[str, Sequence[Any]] = {
    "cudaRuntimeGetVersion": (POINTER(c_int),),
    "cudaGetLastError": (),
    "cudaGetDeviceCount": (POINTER(c_int),),
    "cudaSetDevice": (c_int,),
    "cudaGetDevice": (POINTER(c_int),),
    "cudaDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cudaMemGetInfo": (POINTER(c_size_t), POINTER(c_size_t)),
    "cudaMalloc": (_OUT, c_size_t),
    "cudaFree": (c_void_p,),
    "cudaHostAlloc": (_OUT, c_size_t, c_uint),
    "cudaFreeHost": (c_void_p,),
    "cudaMemcpyAsync": (c_void_p, c_void_p, c_size_t, c_int, c_void_p),
    "cudaStreamCreateWithFlags": (_OUT, c_uint),
    "cudaStreamSynchronize": (c_void_p,),
    "cudaStreamDestroy": (c_void_p,),
    "cudaEventCreateWithFlags": (_OUT, c_uint),
    "cudaEventRecord": (c_void_p, c_void_p),
    "cudaEventSynchronize": (c_void_p,),
    "cudaEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
    "cudaEventDestroy": (c_void_p,),
    "cudaStreamBeginCapture": (c_void_p, c_int),
    "cudaStreamEndCapture": (c_void_p, _OUT),
    "cudaGraphLaunch": (c_void_p, c_void_p),
    "cudaGraphDestroy": (c_void_p,),
    "cudaGraphExecDestroy": (c_void_p,),
}
# CUDA 12 took the places for a failing node and its log away.
_INSTANTIATE = (_OUT, c_void_p, c_ulonglong)
_INSTANTIATE_11 = (_OUT, c_void_p, c_void_p, c_char_p, c_size_t)

_TO_DEVICE, _TO_HOST = 1, 2
_NON_BLOCKING = 1
_THREAD_LOCAL = 1  # other threads may allocate while this one records


class CudartApi(CudaApi):
    """CUDA's runtime library.

    Args:
        path: the library; None: the system's.

    Raises:
        DeviceUnsupportedError: there is none, or it lacks a function.
    """

    name = "cudart"

    def __init__(self, path: str | None = None) -> None:
        self._library = load_cudart(path)
        self._library.cudaGetErrorString.argtypes = (c_int,)
        self._library.cudaGetErrorString.restype = c_char_p
        for name, arguments in _SIGNATURES.items():
            self._declare(name, arguments)
        version = c_int()
        self._call("cudaRuntimeGetVersion", version)
        self.version = version.value // 1000, version.value % 1000 // 10
        self._declare(
            "cudaGraphInstantiate", _INSTANTIATE if self.version >= (12, 0) else _INSTANTIATE_11
        )

    def device_count(self) -> int:
        return self._int("cudaGetDeviceCount")

    def set_device(self, device: int) -> None:
        self._call("cudaSetDevice", device, about=f"({device})")

    def device(self) -> int:
        return self._int("cudaGetDevice")

    def attribute(self, attribute: int, device: int) -> int:
        return self._int("cudaDeviceGetAttribute", attribute, device)

    def memory_info(self) -> MemoryInfo:
        free, total = c_size_t(), c_size_t()
        self._call("cudaMemGetInfo", free, total)
        return MemoryInfo(free.value, total.value)

    def malloc(self, size: int) -> int:
        return self._handle("cudaMalloc", size, about=f" of {size} bytes")

    def free(self, address: int) -> None:
        self._call("cudaFree", address)

    def malloc_host(self, size: int) -> int:
        return self._handle("cudaHostAlloc", size, 0, about=f" of {size} bytes")

    def free_host(self, address: int) -> None:
        self._call("cudaFreeHost", address)

    def copy_to_device(self, target: int, source: int, size: int, stream: int) -> None:
        self._call("cudaMemcpyAsync", target, source, size, _TO_DEVICE, stream)

    def copy_to_host(self, target: int, source: int, size: int, stream: int) -> None:
        self._call("cudaMemcpyAsync", target, source, size, _TO_HOST, stream)

    def create_stream(self) -> int:
        return self._handle("cudaStreamCreateWithFlags", _NON_BLOCKING)

    def synchronize_stream(self, stream: int) -> None:
        self._call("cudaStreamSynchronize", stream)

    def destroy_stream(self, stream: int) -> None:
        self._call("cudaStreamDestroy", stream)

    def create_event(self) -> int:
        return self._handle("cudaEventCreateWithFlags", 0)

    def record_event(self, event: int, stream: int) -> None:
        self._call("cudaEventRecord", event, stream)

    def synchronize_event(self, event: int) -> None:
        self._call("cudaEventSynchronize", event)

    def elapsed_ms(self, start: int, end: int) -> float:
        milliseconds = c_float()
        self._call("cudaEventElapsedTime", milliseconds, start, end)
        return milliseconds.value

    def destroy_event(self, event: int) -> None:
        self._call("cudaEventDestroy", event)

    def begin_capture(self, stream: int) -> None:
        self._call("cudaStreamBeginCapture", stream, _THREAD_LOCAL)

    def end_capture(self, stream: int) -> int:
        graph = c_void_p()
        self._call("cudaStreamEndCapture", stream, graph)
        return graph.value or 0

    def instantiate_graph(self, graph: int) -> int:
        more = (0,) if self.version >= (12, 0) else (None, None, 0)
        return self._handle("cudaGraphInstantiate", graph, *more)

    def launch_graph(self, executable: int, stream: int) -> None:
        self._call("cudaGraphLaunch", executable, stream)

    def destroy_graph(self, graph: int) -> None:
        self._call("cudaGraphDestroy", graph)

    def destroy_executable(self, executable: int) -> None:
        self._call("cudaGraphExecDestroy", executable)

    def _declare(self, name: str, arguments: Sequence[Any]) -> None:
        try:
            function = getattr(self._library, name)
        except AttributeError as missing:
            raise DeviceUnsupportedError(
                f"{self._library._name} has no {name}: CUDA 10.2 or newer is needed"
            ) from missing
        function.argtypes = tuple(arguments)
        function.restype = c_int

    def _int(self, name: str, *arguments: Any) -> int:
        value = c_int()
        self._call(name, value, *arguments)
        return value.value

    def _handle(self, name: str, *arguments: Any, about: str = "") -> int:
        value = c_void_p()
        self._call(name, value, *arguments, about=about)
        return value.value or 0

    def _call(self, name: str, *arguments: Any, about: str = "") -> None:
        """Call; ctypes passes a `c_int` and the like by reference where a pointer is declared."""
        code = int(getattr(self._library, name)(*map(_by_reference, arguments)))
        if code != SUCCESS:
            # A failure stays the library's last error, which others would take for their own.
            self._library.cudaGetLastError()
            text = self._library.cudaGetErrorString(code) or b"unknown error"
            raise failure(name + about, code, text.decode("utf-8", errors="replace"))


def _by_reference(argument: Any) -> Any:
    return ctypes.byref(argument) if isinstance(argument, ctypes._SimpleCData) else argument
