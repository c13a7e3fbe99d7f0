"""An engine is built once; whatever it depends on makes it stale, and the reason is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from edgeprune.device.errors import DeviceError
from edgeprune.device.tensorrt import engine_file, key
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.plan import Plan
from edgeprune.device.tensorrt.settings import BatchProfile, EngineSettings
from edgeprune.device.tensorrt.sidecar import sidecar_of

SM86 = EngineSettings(sm="86")


@pytest.fixture
def path(model: Path, rtx: Bindings) -> Path:
    """An engine that is up to date."""
    path = model.with_suffix(".engine")
    assert ensure_engine(model, path, rtx, SM86).built == "there was none"
    return path


def test_the_same_key_builds_nothing(
    model: Path, path: Path, rtx: Bindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(engine_file, "build", None)
    again = ensure_engine(model, path, rtx, SM86)
    assert not again.built
    assert again.plan_bytes == len(before)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "wrn.engine", "wrn.engine.json", "wrn.onnx",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (replace(SM86, sm="89"), "another compute capability is asked for"),
        (replace(SM86, batch=BatchProfile(1, 2, 4)), "other batch sizes are asked for"),
        (replace(SM86, tf32=False), "TF32 is asked for otherwise"),
        (replace(SM86, level=1), "another optimisation level is asked for"),
        (replace(SM86, workspace_mib=64), "another workspace is asked for"),
        (replace(SM86, sparse_weights=True), "sparse weights are asked for otherwise"),
        (
            replace(SM86, tactic_sources=("JIT_CONVOLUTIONS",)),
            "other tactic sources are asked for",
        ),
    ],
)
def test_every_setting_counts(
    model: Path, path: Path, rtx: Bindings, settings: EngineSettings, reason: str
) -> None:
    assert ensure_engine(model, path, rtx, settings).built == reason
    assert not ensure_engine(model, path, rtx, settings).built


def test_every_part_of_the_key_has_a_reason(model: Path, rtx: Bindings) -> None:
    wanted = key.engine_key(model, rtx, SM86)
    for name in wanted:
        assert key.difference({**wanted, name: "other"}, wanted)


def test_another_model_counts(model: Path, path: Path, rtx: Bindings) -> None:
    changed = onnx.load(model)
    changed.producer_name = "someone else"
    model.write_bytes(changed.SerializeToString())
    assert ensure_engine(model, path, rtx, SM86).built == "the model changed"


def test_another_version_counts(model: Path, path: Path, rtx: Bindings) -> None:
    newer = replace(rtx, version="99.1")
    assert ensure_engine(model, path, newer, SM86).built == (
        f"it was built with {rtx.version}, this is 99.1"
    )


def test_another_gpu_counts_where_the_engine_is_built_for_this_one(
    model: Path, tmp_path: Path, rtx: Bindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "here.engine"
    monkeypatch.setattr(key, "gpu_name", lambda: "Orin")
    monkeypatch.setattr(engine_file, "build", lambda *_: Plan(b"plan", 1, 0.1, ()))
    ensure_engine(model, path, rtx, EngineSettings())
    monkeypatch.setattr(key, "gpu_name", lambda: "Thor")
    assert ensure_engine(model, path, rtx, EngineSettings()).built == "this is another GPU"


def test_another_plugin_counts(
    model: Path, tmp_path: Path, rtx: Bindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin, path = tmp_path / "libplugin.so", tmp_path / "p.engine"
    plugin.write_bytes(b"one")
    settings = replace(SM86, plugins=(str(plugin),))
    monkeypatch.setattr(engine_file, "build", lambda *_: Plan(b"plan", 1, 0.1, ()))
    ensure_engine(model, path, rtx, settings)
    assert not ensure_engine(model, path, rtx, settings).built
    plugin.write_bytes(b"two")
    assert ensure_engine(model, path, rtx, settings).built == "a plugin changed"


def test_a_damaged_plan_is_built_again(model: Path, path: Path, rtx: Bindings) -> None:
    path.write_bytes(path.read_bytes()[:-10])
    assert ensure_engine(model, path, rtx, SM86).built == "the one there is damaged"
    assert not ensure_engine(model, path, rtx, SM86).built


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"key": {}}', b"\xff\xfe"])
def test_a_damaged_sidecar_is_a_reason_too(
    model: Path, path: Path, rtx: Bindings, content: bytes
) -> None:
    sidecar_of(path).write_bytes(content)
    built = ensure_engine(model, path, rtx, SM86).built
    assert built == "nothing says what the one there was built from"
    assert json.loads(sidecar_of(path).read_text())["key"]["sm"] == "86"


def test_a_failed_build_leaves_the_old_engine(model: Path, path: Path, rtx: Bindings) -> None:
    before = path.read_bytes(), sidecar_of(path).read_bytes()
    model.write_bytes(b"damaged")
    with pytest.raises(DeviceError):
        ensure_engine(model, path, rtx, SM86)
    assert (path.read_bytes(), sidecar_of(path).read_bytes()) == before
    model.unlink()
    with pytest.raises(DeviceError, match="no such file"):
        ensure_engine(model, path, rtx, SM86)


def test_gpus_are_named_by_their_board_or_their_driver(tmp_path: Path) -> None:
    board, gpus = tmp_path / "model", tmp_path / "gpus"
    assert key.gpu_name(board, gpus) is None
    (gpus / "0000:01").mkdir(parents=True)
    (gpus / "0000:01" / "information").write_text("Model: \t NVIDIA A10\nIRQ: 3\n")
    assert key.gpu_name(board, gpus) == "NVIDIA A10"
    board.write_text("NVIDIA Jetson Orin Nano\0")
    assert key.gpu_name(board, gpus) == "NVIDIA Jetson Orin Nano"
