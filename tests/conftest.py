"""Every test runs on one thread and draws the same numbers, whatever ran before it.

Results repeat, and parallel workers do not fight for cores.
"""

from __future__ import annotations

import os

import pytest
import torch

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Weights of networks that a test makes do not depend on the order of the tests."""
    torch.manual_seed(0)
