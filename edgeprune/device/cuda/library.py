"""Finding the system's `libcudart`."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path
from typing import Iterable, Iterator

from edgeprune.device.errors import DeviceUnsupportedError

SONAMES = ("libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0",
           "libcudart.so.10.2")  # fmt: skip
_TOOLKITS = ("/usr/local/cuda/lib64", "/usr/local/cuda/targets/aarch64-linux/lib")
# Where pip's packages of NVIDIA put it, below a folder of sys.path.
_PIP = ("nvidia/cu13/lib", "nvidia/cuda_runtime/lib")


def candidates(search_path: Iterable[str] = tuple(sys.path)) -> Iterator[str]:
    """What is tried, in order: names that the loader knows, then files in the usual folders."""
    yield from SONAMES
    folders = [Path(folder) for folder in _TOOLKITS]
    folders += [Path(root) / below for root in search_path for below in _PIP]
    for folder in folders:
        yield from map(str, sorted(folder.glob("libcudart.so*"), key=lambda path: len(path.name)))


def load_cudart(path: str | None = None) -> ctypes.CDLL:
    """Load CUDA's runtime library.

    Args:
        path: the library; None: the first of `candidates` that loads.

    Raises:
        DeviceUnsupportedError: none loads; the line names what was tried.
    """
    if path is not None:
        try:
            return ctypes.CDLL(path)
        except OSError as failure:
            raise DeviceUnsupportedError(f"CUDA's library does not load: {failure}") from failure
    tried: list[str] = []
    for candidate in candidates():
        tried.append(candidate)
        with contextlib.suppress(OSError):
            return ctypes.CDLL(candidate)
    raise DeviceUnsupportedError(
        f"CUDA's runtime library is not here (tried {', '.join((*tried, *_TOOLKITS))} and pip's "
        "folders): on a Jetson it comes with JetPack, elsewhere: pip install nvidia-cuda-runtime"
    )
