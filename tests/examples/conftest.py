"""Examples run as their users run them: as processes, on one thread."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import run_script

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

RunExample = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_example() -> RunExample:
    """Runs `examples/NAME OPTIONS...` and returns the finished process."""

    def run(name: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
        return run_script(EXAMPLES / name, [str(option) for option in options], ROOT, 300)

    return run
