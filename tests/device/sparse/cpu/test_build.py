"""The kernel is compiled once, kept under what it depends on, and a missing compiler is told."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import edgeprune
from edgeprune.device.cache import CACHE_VARIABLE, cache_folder
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError
from edgeprune.device.sparse.cpu import build


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and the system's own choice of a compiler."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("CXX", raising=False)
    return tmp_path / "cache"


def test_it_is_compiled_once(cache: Path) -> None:
    first = build.library()
    written = first.stat().st_mtime_ns
    assert build.library() == first
    assert first.stat().st_mtime_ns == written
    assert [path.name for path in cache.iterdir()] == [first.name]
    assert build.library(("-DNDEBUG",)) != first


def test_every_source_is_named() -> None:
    folder = Path(build.__file__).parent
    files = [*folder.glob("*.h"), *folder.glob("*.cpp")]
    assert build.sources() == {path.name: path.read_bytes() for path in files}


def test_processes_may_compile_at_once(cache: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: build.library(), range(2)))
    assert found[0] == found[1]
    assert list(cache.iterdir()) == [found[0]]


def test_changed_sources_are_compiled_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.library()
    changed = build.sources()
    changed["simd.h"] += b"\n"
    monkeypatch.setattr(build, "sources", lambda: changed)
    assert build.library() != before
    monkeypatch.setattr(build, "_cpu_features", lambda: "another CPU")
    assert len({build.library(), *cache.iterdir()}) == 3


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(DeviceUnsupportedError, match="apt install g") as told:
        build.library()
    assert told.value.exit_code == 5
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    with pytest.raises(DeviceUnsupportedError, match="CXX=no-such-compiler not found"):
        build.library()


def test_a_compiler_that_fails(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "g++ -DEP_VECTOR_BYTES=!")
    with pytest.raises(DeviceUnsupportedError, match="cannot compile the sparse kernel"):
        build.library()
    assert not list(cache.iterdir())


def test_a_cache_that_cannot_be_written(cache: Path) -> None:
    cache.write_text("a file", encoding="utf-8")
    with pytest.raises(DeviceError, match="EDGEPRUNE_CACHE_DIR"):
        build.library()


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "edgeprune"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "edgeprune"


@pytest.mark.parametrize(("machine", "flag"), [("x86_64", "-march"), ("aarch64", "-mcpu")])
def test_the_cpu_is_used_as_it_is(machine: str, flag: str) -> None:
    assert build.native_flag(machine) == f"{flag}=native"


def test_the_sources_come_with_the_package() -> None:
    root = Path(edgeprune.__file__).parent
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    settings = tomllib.loads((root.parent / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["edgeprune"]
    carried = {path for pattern in patterns for path in root.glob(pattern)}
    folder = Path(build.__file__).parent
    assert {folder / name for name in build.sources()} <= carried
