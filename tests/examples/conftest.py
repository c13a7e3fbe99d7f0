"""Examples run as their users run them: as processes, on one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

RunExample = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_example() -> RunExample:
    """Runs `examples/NAME OPTIONS...` and returns the finished process."""

    def run(name: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(EXAMPLES / name), *map(str, options)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )

    return run
