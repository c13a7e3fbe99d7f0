"""The agent's archive, as it goes to boards."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.deploy.bundle.agent_archive import agent_archive


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as a file."""
    path = tmp_path_factory.mktemp("agent") / "edgeprune-agent.pyz"
    path.write_bytes(agent_archive())
    return path
