"""Every test runs on one thread and draws the same numbers, whatever ran before it.

Results repeat, and parallel workers do not fight for cores.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from kept_exports import keep_exports
from saved_time import save_time

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start

keep_exports()

# Of more than half a minute: they start first, so that no worker ends alone with one of them.
_LONG = (
    "cuda",
    "methods/test_kill_and_resume.py",
    "examples/test_examples.py",
    "cli/test_demo.py",
    "cli/test_bad_input.py",
    "cli/test_verify.py",
    "cli/test_compress_latency.py",
    "device/tensorrt/test_build.py",
    "methods/test_distributed.py",
    "prune/graph/test_random_networks.py",
    "verify/test_counterparts.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; otherwise the order stays."""
    long = tuple(str(Path(__file__).parent / name) for name in _LONG)
    items.sort(key=lambda item: not str(item.path).startswith(long))


def pytest_collection_finish() -> None:
    """All that tests import is there."""
    save_time()


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Weights of networks that a test makes do not depend on the order of the tests."""
    torch.manual_seed(0)
