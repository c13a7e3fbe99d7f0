"""A libnvidia-ml compiled here, and an empty PATH."""

from __future__ import annotations

from pathlib import Path

import pytest
from standin_nvml import StandInNvml, compile_nvml


@pytest.fixture(scope="session")
def nvml_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_nvml(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def nvml(nvml_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandInNvml:
    """It must have been given back after the test."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    standin = StandInNvml(nvml_path)
    yield standin
    assert standin.started == 0


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder
