"""Compiles what the tests of `cuda/` run, into the cache where they look for it.

    PYTHONPATH=cuda/harness:. python -m sparse_harness.build_ahead

Needs compilers and nothing of Python's packages, so that it can go on while those are installed.
"""

from __future__ import annotations

from sparse_harness.build import emulator_library, vmma_library
from sparse_harness.nvcc_build import by_cmake, nvcc

_BUILDS = ("plain", "races", "counts")


def main() -> None:
    """Build all; without nvcc, what g++ builds."""
    for build in _BUILDS:
        emulator_library(build)
        vmma_library(build)
    if nvcc() is not None:
        by_cmake()


if __name__ == "__main__":
    main()
