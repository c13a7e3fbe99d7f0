"""Libraries of `cuda/`, compiled once for all tests and processes."""

from __future__ import annotations

import pytest
from sparse_harness.build import emulator_library, plan_library, vmma_library
from sparse_harness.emulator import Emulator
from sparse_harness.planner import Planner


@pytest.fixture(scope="session")
def planner() -> Planner:
    """The host side, without a kernel."""
    return Planner(plan_library())


@pytest.fixture(scope="session")
def plain() -> Emulator:
    """The kernels, with the checks that every build has."""
    return Emulator(emulator_library("plain"))


@pytest.fixture(scope="session")
def races() -> Emulator:
    """The kernels, with every access to shared memory checked against those of other threads."""
    return Emulator(emulator_library("races"))


@pytest.fixture(scope="session")
def vmma() -> Emulator:
    """The kernels for tensor cores, with the checks that every build has."""
    return Emulator(vmma_library("plain"))


@pytest.fixture(scope="session")
def vmma_races() -> Emulator:
    """The same with every access to shared memory checked against those of other threads."""
    return Emulator(vmma_library("races"))


@pytest.fixture(scope="session")
def vmma_counts() -> Emulator:
    """The same with everything counted that they do."""
    return Emulator(vmma_library("counts"))


@pytest.fixture(scope="session")
def counts() -> Emulator:
    """The kernels, with exact counts of what they do."""
    return Emulator(emulator_library("counts"))
