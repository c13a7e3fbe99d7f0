"""Engines on a board: the last used stay, the others make room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeprune.device.agent.engine_cache import engine_folder, make_room, mark_used
from edgeprune.device.cache import CACHE_VARIABLE
from edgeprune.device.tensorrt.sidecar import sidecar_of


def test_what_was_not_used_for_longest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    engines = [engine_folder() / f"{number}.engine" for number in range(4)]
    for number, path in enumerate(engines):
        path.write_bytes(bytes(10))
        sidecar_of(path).write_text("{}")
        os.utime(path, (number, number))
    mark_used(engines[0])
    (engine_folder() / "tensorrt.timing").write_bytes(bytes(100))
    make_room(40)
    assert all(path.exists() for path in engines)
    make_room(25)
    left = {path.name for path in engine_folder().iterdir()}
    assert left == {
        "0.engine", "0.engine.json", "3.engine", "3.engine.json", "tensorrt.timing",
    }  # fmt: skip
    make_room()
    assert len(list(engine_folder().iterdir())) == 5
