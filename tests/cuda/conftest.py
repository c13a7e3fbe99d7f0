"""Libraries of `cuda/`, compiled once for all tests and processes."""

from __future__ import annotations

import pytest
from sparse_harness.build import plan_library
from sparse_harness.planner import Planner


@pytest.fixture(scope="session")
def planner() -> Planner:
    """The host side, without a kernel."""
    return Planner(plan_library())
