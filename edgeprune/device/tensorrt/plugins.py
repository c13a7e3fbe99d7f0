"""Libraries with plugins: they have to be there before a graph that uses them is read."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterable

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.bindings import Bindings

# RTX's parser opens it by this name for the first plugin, and ends the process where it is not
# found. The package from PyPI has it with a number behind.
_RTX_LIBRARY = "libtensorrt_rtx.so"


def load_plugins(libraries: Iterable[str], bindings: Bindings) -> None:
    """Load each library, and let this TensorRT know its plugins.

    The libraries of plugins for TensorRT enter theirs as they are loaded; RTX asks for them.

    Raises:
        DeviceUnsupportedError: it does not load here.
    """
    for library in libraries:
        if bindings.is_rtx:
            _enter(str(Path(library).resolve()), bindings.module)
        else:
            _open(library, f"--plugin {library}")


@lru_cache(maxsize=None)  # a library is not entered twice
def _enter(library: str, trt: Any) -> None:
    _open(library, f"--plugin {library}")
    _require_rtx_by_name()
    if trt.get_plugin_registry().load_library(library) is None:
        raise DeviceUnsupportedError(
            f"--plugin {library}: TensorRT-RTX finds no plugin in it; is it built for TensorRT 10?"
        )


def _require_rtx_by_name() -> None:
    remedy = (
        f"for plugins TensorRT-RTX needs {_RTX_LIBRARY} on the library path: put a link of this "
        f"name to {_RTX_LIBRARY}.1 into a folder and start with LD_LIBRARY_PATH=FOLDER"
    )
    _open(_RTX_LIBRARY, remedy)


def _open(library: str, what: str) -> None:
    try:
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    except OSError as failure:
        raise DeviceUnsupportedError(f"{what}: {failure}") from failure
