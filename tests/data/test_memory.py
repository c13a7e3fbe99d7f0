"""The memory that data may take heeds containers and sibling processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.data import memory


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    free = memory.available_bytes()
    assert free > 1 << 20
    (tmp_path / "memory.current").write_text("400000\n")
    (tmp_path / "memory.max").write_text("1000000\n")
    assert memory.available_bytes() == 600_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes() > 1 << 20


def test_processes_of_one_machine_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.current").write_text("0")
    (tmp_path / "memory.max").write_text("1000000")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert memory.available_bytes() == 250_000
