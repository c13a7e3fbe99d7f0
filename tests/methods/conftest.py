"""A teacher for the digits that every test of the methods shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.pretrain import pretrain


@pytest.fixture(scope="session")
def digits_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WRN-16-1 trained for two epochs on the digits."""
    path = tmp_path_factory.mktemp("teacher") / "teacher.pt"
    pretrain("wrn_16_1", "digits", path, epochs=2, batch_size=64, device="cpu")
    return path
