"""A trained teacher of the digits, for every test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.pretrain import pretrain


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WRN-10-1 trained for two short epochs."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.pt"
    pretrain(
        "wrn_10_1", "digits", str(path), epochs=2, batch_size=32, device="cpu", train_limit=128
    )
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run folder that is not there yet."""
    return tmp_path / "run"
