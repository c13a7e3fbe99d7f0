"""Where CUDA's library is looked for, and what is said when it is nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeprune.device.cuda import library
from edgeprune.device.cuda.library import SONAMES, candidates, load_cudart
from edgeprune.device.errors import DeviceUnsupportedError


def test_the_loaders_names_come_first_and_pips_folders_last(tmp_path: Path) -> None:
    for below, name in (("nvidia/cu13/lib", "13"), ("nvidia/cuda_runtime/lib", "12")):
        (tmp_path / below).mkdir(parents=True)
        (tmp_path / below / f"libcudart.so.{name}").touch()
    found = list(candidates([str(tmp_path)]))
    assert tuple(found[: len(SONAMES)]) == SONAMES
    assert [Path(path).name for path in found[-2:]] == ["libcudart.so.13", "libcudart.so.12"]


def test_what_was_tried_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "candidates", lambda: iter(["libcudart.so.99", "/no/where.so"]))
    with pytest.raises(DeviceUnsupportedError) as told:
        load_cudart()
    assert "libcudart.so.99, /no/where.so" in str(told.value)
    assert "JetPack" in str(told.value)


def test_a_library_that_is_asked_for_is_named(tmp_path: Path) -> None:
    path = tmp_path / "libcudart.so"
    path.write_text("no library")
    with pytest.raises(DeviceUnsupportedError, match=str(path)):
        load_cudart(str(path))
