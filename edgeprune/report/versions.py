"""What a result depends on besides the recipe: software, processor, threads."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from edgeprune import __version__
from edgeprune.processor import cpu_model, usable_cores

_PACKAGES = ("torch", "torchvision", "onnx", "onnxruntime", "numpy")


def versions() -> dict[str, Any]:
    """Versions of this process's software, the CPU's name, cores and torch's threads.

    A package that is not installed is None.
    """
    import torch

    return {
        "edgeprune": __version__,
        "python": platform.python_version(),
        **{name: package_version(name) for name in _PACKAGES},
        "os": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
    }


def package_version(name: str) -> str | None:
    """The installed version of a distribution, without importing it; None when absent."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
