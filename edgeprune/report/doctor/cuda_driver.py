"""GPUs as NVIDIA's driver library knows them, without torch."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

_NAME_BYTES = 128
_SUCCESS = 0


class CudaDriver:
    """The driver API of libcuda.

    Args:
        load: opens the library; raises OSError where there is none.
    """

    def __init__(self, load: Callable[[str], Any] = ctypes.CDLL) -> None:
        self._why = ""
        self._names: tuple[str, ...] = ()
        try:
            library = load("libcuda.so.1")
        except OSError:
            self._why = "no NVIDIA driver (libcuda.so.1 is absent)"
            return
        status = library.cuInit(0)
        if status != _SUCCESS:
            self._why = f"the NVIDIA driver answers with error {status}"
            return
        self._names = _device_names(library)
        self._why = "" if self._names else "the NVIDIA driver knows no GPU"

    def device_names(self) -> tuple[str, ...]:
        """Names of the GPUs; empty when there are none."""
        return self._names

    def why_none(self) -> str:
        """Why there are no GPUs, one line; empty when there are some."""
        return self._why


def _device_names(library: Any) -> tuple[str, ...]:
    count = ctypes.c_int(0)
    if library.cuDeviceGetCount(ctypes.byref(count)) != _SUCCESS:
        return ()
    names = []
    for number in range(count.value):
        buffer = ctypes.create_string_buffer(_NAME_BYTES)
        if library.cuDeviceGetName(buffer, _NAME_BYTES, number) == _SUCCESS:
            names.append(buffer.value.decode(errors="replace"))
    return tuple(names)
