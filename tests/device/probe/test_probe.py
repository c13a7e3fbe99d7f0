"""Boards are told apart by chip and release; unknown releases are parsed, not refused."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest
from board_standin import KINDS, board_tree
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.deploy.plain import from_plain
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.probe.match import match
from edgeprune.device.probe.probe import Probe, probe
from edgeprune.device.probe.tegra import L4t, read_l4t

TARGETS = {
    "xavier-nx": ("jetson-xavier", "5"), "agx-xavier": ("jetson-xavier", "5"),
    "orin-nano": ("jetson-orin", "6"), "orin-nx": ("jetson-orin", "5"),
    "agx-orin": ("jetson-orin", "6"), "thor": ("jetson-thor", "7.2"),
    "orin-nano-later": ("jetson-orin", "7.2"),
}  # fmt: skip


def _probe(folder: Path, board: str, monkeypatch: pytest.MonkeyPatch) -> Probe:
    tree = board_tree(folder, board)
    monkeypatch.setenv("PATH", f"{tree.programs}:/usr/bin:/bin")
    return probe(tree.root, folder)


@pytest.mark.parametrize("board", TARGETS)
def test_boards_and_their_targets(
    board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _probe(tmp_path / "board", board, monkeypatch)
    assert found.board == KINDS[board].model
    target, notes = match(found)
    assert (target.name, target.system) == TARGETS[board]
    newer = [note for note in notes if "newer than any" in note]
    assert bool(newer) == (board == "orin-nano-later")
    assert from_plain(Probe, json.loads(json.dumps(found.as_dict()))) == found
    rails = {sensor.sensor: set(sensor.rails) for sensor in found.sensors}
    assert {rail.name for rail in KINDS[board].rails} <= rails["ina"]


@pytest.mark.parametrize(("board", "why"), [
    ("nano", "run JetPack 4"), ("tx2", "Jetson TX2 run JetPack 4"), ("future", "tegra999"),
])  # fmt: skip
def test_boards_that_are_not_deployed_to(
    board: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceUnsupportedError, match=why):
        match(_probe(tmp_path / "board", board, monkeypatch))


def test_old_releases_and_other_machines(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    tree = board_tree(folder, "agx-xavier")
    release = tree.root / "etc/nv_tegra_release"
    release.write_text("# R32 (release), REVISION: 7.4, GCID: 1, BOARD: t186ref\n")
    with pytest.raises(DeviceUnsupportedError, match=r"L4T 32\.7\.4: .* update the board"):
        match(probe(tree.root, folder))
    release.unlink()
    with pytest.raises(DeviceUnsupportedError, match="no Jetson"):
        match(probe(tree.root, folder))


def test_an_older_tensorrt_than_the_release_has_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = board_tree(tmp_path / "board", "orin-nano")
    (tree.root / "standin/packages").write_text("libnvinfer8 8.6.2.3-1+cuda12.2\n")
    monkeypatch.setenv("PATH", f"{tree.programs}:/usr/bin:/bin")
    found = probe(tree.root, tmp_path)
    assert found.software.tensorrt == "8.6.2.3"
    assert any("older than JetPack 6" in note for note in match(found).notes)


@pytest.mark.parametrize("name", ["onnxruntime", "onnxruntime-gpu"])
def test_either_package_of_onnx_runtime(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NVIDIA's wheels for Jetsons are onnxruntime-gpu, whose module has the plain name."""

    def version(asked: str) -> str:
        if asked != name:
            raise importlib.metadata.PackageNotFoundError(asked)
        return "1.19.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert _probe(tmp_path / "board", "orin-nano", monkeypatch).software.onnxruntime == "1.19.0"


@given(major=st.integers(0, 99), minor=st.integers(0, 30), patch=st.integers(0, 9))
def test_releases_are_parsed(major: int, minor: int, patch: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "etc").mkdir()
        line = f"# R{major} (release), REVISION: {minor}.{patch}, GCID: 3, BOARD: generic\n"
        (root / "etc/nv_tegra_release").write_text(line)
        assert read_l4t(root) == L4t(major, minor, patch)


def test_no_release(tmp_path: Path) -> None:
    assert read_l4t(tmp_path) is None
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("something else\n")
    assert read_l4t(tmp_path) is None
