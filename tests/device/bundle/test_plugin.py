"""The plugin on a board: what is missing is named, and what is no source is refused."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from edgeprune.deploy.bundle.plugin_source import plugin_source
from edgeprune.deploy.bundle.prebuilt import prebuilt
from edgeprune.device.bundle import plugin
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.cache import CACHE_VARIABLE
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.targets import find_target
from edgeprune.errors import UserInputError


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of a bundle, and an empty cache."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    path = tmp_path / "plugin.tar.gz"
    path.write_bytes(plugin_source())
    return path


def _programs(folder: Path, **texts: str) -> str:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_missing_tools_are_named(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(plugin, "_SYSTEM_NVCC", tmp_path / "none")
    with pytest.raises(DeviceUnsupportedError, match="apt install cmake"):
        plugin.ensure_plugin(source, lambda _: None)
    monkeypatch.setenv("PATH", _programs(tmp_path / "bin", cmake="exit 0").partition(":")[0])
    with pytest.raises(DeviceUnsupportedError, match="nvidia-cuda-dev"):
        plugin.ensure_plugin(source, lambda _: None)


def test_a_compiler_that_fails_is_one_line_and_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = 'echo "kernels/direct.cuh(3): error: no such thing"; exit 2'
    path = _programs(tmp_path / "bin", cmake=failing, nvcc="exit 0")
    monkeypatch.setenv("PATH", path)
    with pytest.raises(DeviceUnsupportedError, match=r"direct.cuh\(3\): error: no such thing"):
        plugin.ensure_plugin(source, lambda _: None)
    assert list((tmp_path / "cache/plugins").iterdir()) == []


def test_it_is_compiled_once(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    building = 'case "$1" in --build) echo library > "$2/libedgeprune_plugin.so";; '
    building += '*) mkdir -p "$4"; test -f "$2/CMakeLists.txt";; esac'
    monkeypatch.setenv("PATH", _programs(tmp_path / "bin", cmake=building, nvcc="exit 0"))
    told: list[str] = []
    first = plugin.ensure_plugin(source, told.append)
    assert plugin.ensure_plugin(source, told.append) == first
    assert first.read_text() == "library\n"
    assert len(told) == 1


@pytest.mark.parametrize("name", ["../outside", "/etc/outside"])
def test_archives_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    path = tmp_path / "plugin.tar.gz"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(BundleError, match="no source file"):
        plugin.compile_plugin(path, tmp_path / "work")
    path.write_bytes(b"no archive")
    with pytest.raises(BundleError, match="is damaged"):
        plugin.compile_plugin(path, tmp_path / "work")


def test_libraries_are_taken_as_they_are_for_the_right_processor(tmp_path: Path) -> None:
    library, orin = tmp_path / "libedgeprune_plugin.so", find_target("jetson-orin")
    for machine, accepted in ((183, True), (62, False)):
        library.write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + bytes(44))
        if accepted:
            assert prebuilt(library, orin) == library.read_bytes()
        else:
            with pytest.raises(UserInputError, match="boards need aarch64"):
                prebuilt(library, orin)
    assert prebuilt(library, find_target("cpu"))
    assert plugin.ensure_plugin(library, lambda _: None) == library
    library.write_bytes(b"text")
    for path in (library, tmp_path / "none.so"):
        with pytest.raises(UserInputError):
            prebuilt(path, orin)
