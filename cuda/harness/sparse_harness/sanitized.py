"""Random convolutions in a build with ASan and UBSan, in a process of its own.

python -m sparse_harness.sanitized 40
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from sparse_harness.build import CUDA, emulator_library
from sparse_harness.cases import TOLERANCE, draw_case, reference, relative_error
from sparse_harness.emulator import Emulator


def run_sanitized(cases: int) -> subprocess.CompletedProcess[str]:
    """This module in a process that has loaded the sanitizer before Python."""
    path = os.pathsep.join([str(CUDA / "harness"), str(CUDA.parent)])
    emulator_library("sanitized")
    return subprocess.run(
        [sys.executable, "-m", "sparse_harness.sanitized", str(cases)],
        env={**os.environ, **_environment(), "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@contextmanager
def sanitizers_loaded() -> Iterator[None]:
    """Processes that are started meanwhile load the sanitizer before all else."""
    added = _environment()
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _environment() -> dict[str, str]:
    runtime = subprocess.run(
        ["g++", "-print-file-name=libasan.so"], capture_output=True, encoding="utf-8", check=True
    ).stdout.strip()
    return {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0"}  # Python's own


def main(cases: int) -> None:
    """Raises where a result is wrong; the sanitizers end the process where memory is misused."""
    emulator = Emulator(emulator_library("sanitized"))
    for seed in range(cases):
        case = draw_case(emulator, np.random.default_rng(2000 + seed))
        expected, scale = reference(case)
        y = emulator.run(case.conv, case.tactic, case.operands)
        if not relative_error(y, expected, scale) <= TOLERANCE[case.conv.type]:
            raise SystemExit(f"case {seed} is wrong: {case.conv}")
    print(f"{cases} cases are right")


if __name__ == "__main__":
    main(int(sys.argv[1]))
