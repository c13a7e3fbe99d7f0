"""Finding TensorRT's Python module, and what this version of it can do."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any

from edgeprune.device.errors import DeviceError, DeviceUnsupportedError

MODULES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
_REMEDY = {
    "tensorrt": "on a Jetson it comes with JetPack, elsewhere: pip install 'edgeprune[gpu]'",
    "tensorrt-rtx": "pip install 'edgeprune[rtx]'",
}


@dataclass(frozen=True)
class Bindings:
    """One version of TensorRT.

    Attributes:
        backend: `tensorrt` or `tensorrt-rtx`.
        module: its Python module.
        version: as it calls itself, such as `10.3.0`.
    """

    backend: str
    module: Any
    version: str

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = re.findall(r"\d+", self.version)[:2]
        return int(major), int(minor)

    @property
    def is_rtx(self) -> bool:
        """Whether it is TensorRT for RTX, which builds for any GPU without one."""
        return self.backend == "tensorrt-rtx"

    @property
    def label(self) -> str:
        """For people."""
        return f"TensorRT{'-RTX' if self.is_rtx else ''} {self.version}"


def load_bindings(backend: str) -> Bindings:
    """Import the module of a backend.

    Raises:
        DeviceError: there is no such backend.
        DeviceUnsupportedError: it is not installed, or its libraries do not load.
    """
    if backend not in MODULES:
        raise DeviceError(f"--backend {backend}: use {' or '.join(MODULES)}")
    try:
        module = importlib.import_module(MODULES[backend])
    except ImportError as failure:
        raise DeviceUnsupportedError(
            f"{backend} cannot be imported ({failure}): {_REMEDY[backend]}"
        ) from failure
    return Bindings(backend, module, str(module.__version__))
