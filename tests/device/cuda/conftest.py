"""A libcudart that works on host memory, compiled here."""

from __future__ import annotations

from pathlib import Path

import pytest
from standin_cudart import StandIn, compile_standin


@pytest.fixture(scope="session")
def standin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where stand-ins are compiled to."""
    return tmp_path_factory.mktemp("cudart")


@pytest.fixture(scope="session", params=[11040, 12060, 13000])
def standin_path(request: pytest.FixtureRequest, standin_folder: Path) -> Path:
    """One stand-in for each way in which CUDA has declared its functions."""
    return compile_standin(standin_folder, request.param)


@pytest.fixture
def cuda(standin_path: Path) -> StandIn:
    """The wrapper over it; after the test everything must have been given back."""
    standin = StandIn(standin_path)
    yield standin
    assert standin.live == {}
