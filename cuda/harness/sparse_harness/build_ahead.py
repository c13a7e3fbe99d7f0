"""Compiles what the tests of `cuda/` run, into the cache where they look for it.

    PYTHONPATH=cuda/harness:. python -m sparse_harness.build_ahead

Needs compilers and nothing of Python's packages, so that it can go on while those are installed.
Fails where TensorRT's headers cannot be had.
"""

from __future__ import annotations

from sparse_harness.build import emulator_library, vmma_library
from sparse_harness.nvcc_build import by_cmake, nvcc
from sparse_harness.plugin_build import harness_library, plugin_library

_BUILDS = ("plain", "races", "counts")


def main() -> None:
    """Build all; without nvcc, what g++ builds."""
    for build in _BUILDS:
        emulator_library(build)
        vmma_library(build)
    _build_plugin()
    emulator_library("sanitized")


def _build_plugin() -> None:
    if nvcc() is not None:
        by_cmake()
    harness_library()
    for generation in (2, 3):
        plugin_library(generation)


if __name__ == "__main__":
    main()
