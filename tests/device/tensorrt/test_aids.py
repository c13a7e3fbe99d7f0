"""What helps a build: progress, Ctrl-C, the timing cache, the mark of one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorrt_surface import rebuilt

from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.progress import monitored
from edgeprune.device.tensorrt.settings import BuildAids, EngineSettings
from edgeprune.device.tensorrt.timing_cache import (
    attach_timing_cache,
    has_timing_cache,
    save_timing_cache,
    timing_cache_of,
)
from edgeprune.device.tensorrt.unfinished import marked

SM86 = EngineSettings(sm="86")


class Watcher:
    """Keeps what it is told; can press Ctrl-C at a step."""

    def __init__(self, interrupt_at: int | None = None, by: int = signal.SIGINT) -> None:
        self.steps: dict[str, list[int]] = {}
        self.planned: dict[str, int] = {}
        self.ended: list[str] = []
        self._left = interrupt_at
        self._by = by

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        assert parent is None or parent in self.planned
        self.planned[phase] = steps
        self.steps.setdefault(phase, [])

    def step(self, phase: str, done: int) -> None:
        self.steps[phase].append(done)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._by)

    def end(self, phase: str) -> None:
        self.ended.append(phase)


def test_a_real_build_tells_how_far_it_is(rtx: Bindings, model: Path) -> None:
    watcher = Watcher()
    build_plan(model, rtx, SM86, BuildAids(progress=watcher))
    assert set(watcher.ended) == set(watcher.planned)
    assert any(len(steps) > 5 for steps in watcher.steps.values())
    for steps in watcher.steps.values():
        assert steps == sorted(steps)


@pytest.mark.parametrize(("at", "by"), [(1, signal.SIGINT), (10, signal.SIGTERM)])
def test_an_interrupt_cancels_a_real_build(
    rtx: Bindings, model: Path, at: int, by: signal.Signals
) -> None:
    path = model.with_suffix(".engine")
    before = signal.getsignal(by)
    watcher = Watcher(at, by)
    with pytest.raises(KeyboardInterrupt):
        ensure_engine(model, path, rtx, SM86, BuildAids(progress=watcher))
    assert sum(map(len, watcher.steps.values())) == at, "TensorRT takes no further step"
    assert signal.getsignal(by) is before
    assert [p.name for p in model.parent.iterdir()] == [model.name], "nothing is left"
    assert ensure_engine(model, path, rtx, SM86).built == "there was none"


def test_where_there_is_no_monitor_nothing_is_changed() -> None:
    module = rebuilt("8.6.1")
    config = module.IBuilderConfig()
    before = signal.getsignal(signal.SIGINT)
    with monitored(module, config, Watcher()):
        assert signal.getsignal(signal.SIGINT) is before
    assert config.told == []


class Log:
    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []


class Config:
    """The timing cache's part of a configuration, as TensorRT 8 to 11 behave."""

    def __init__(self, log: Log, mine: bytes = b"10.3 Orin:") -> None:
        self._log, self._mine = log, mine
        self._cache: Any = None

    def create_timing_cache(self, held: bytes) -> Any:
        if held and b":" not in held:
            self._log.warnings.append("Failed to deserialize timing cache.\nReturning an empty one")
            held = b""
        return SimpleNamespace(held=held, serialize=lambda: held + b"kernel;")

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        fits = ignore_mismatch or cache.held.startswith(self._mine)
        if fits:
            self._cache = cache
        return fits

    def get_timing_cache(self) -> Any:
        return self._cache


@pytest.mark.parametrize(
    ("content", "reason", "written"),
    [
        (None, "", b"kernel;"),
        (b"", "", b"kernel;"),
        (b"10.3 Orin:", "", b"10.3 Orin:kernel;"),
        (b"8.5 Xavier:", "of another TensorRT or GPU", b"kernel;"),
        (b"damaged", "Failed to deserialize timing cache. Returning an empty", b"kernel;"),
    ],
)
def test_a_timing_cache_is_used_or_replaced(
    tmp_path: Path, content: bytes | None, reason: str, written: bytes
) -> None:
    path, log = tmp_path / "cache", Log()
    if content is not None:
        path.write_bytes(content)
    config = Config(log)
    note = attach_timing_cache(config, path, log)
    assert reason in note
    assert bool(reason) == bool(note)
    assert (log.errors, log.warnings) == ([], []), "what the note says is not said twice"
    assert save_timing_cache(config, path) == ""
    assert path.read_bytes() == written
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]


def test_a_cache_that_cannot_be_read_or_written_is_a_note(tmp_path: Path) -> None:
    log = Log()
    config = Config(log)
    folder = tmp_path / "cache"
    folder.mkdir()
    assert "the timing cache is not used (Is a directory)" in attach_timing_cache(
        config, folder, log
    )
    assert "cannot be written" in save_timing_cache(config, folder)


@pytest.mark.parametrize("version", ["8.5.2", "8.6.1", "10.3.0", "10.16.1", "11.4.0"])
def test_every_version_has_the_names_of_the_cache(version: str) -> None:
    module = rebuilt(version)
    assert has_timing_cache(Bindings("tensorrt", module, version), module.IBuilderConfig())
    names = module.IBuilderConfig.allowed
    assert {"create_timing_cache", "set_timing_cache", "get_timing_cache"} <= names
    assert "serialize" in module.ITimingCache.allowed


def test_tensorrt_for_rtx_does_without(rtx: Bindings, model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_bytes(b"damaged")
    path = model.with_suffix(".engine")
    engine = ensure_engine(model, path, rtx, SM86, BuildAids(timing_cache=cache))
    assert engine.notes == ()
    assert cache.read_bytes() == b"damaged"
    assert not timing_cache_of(path).exists()


def test_a_build_that_was_killed_is_told_to_the_next(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from edgeprune.device.tensorrt.unfinished import marked\n"
        "with marked(Path(sys.argv[1])):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    engine = tmp_path / "m.engine"
    ended = subprocess.run([sys.executable, "-c", script, engine], check=False)
    assert ended.returncode == -signal.SIGKILL
    with marked(engine) as told:
        assert "was killed, most often because memory ran out" in told
        assert "lower the workspace" in told
    with marked(engine) as told:
        assert told == ""
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_goes_on_elsewhere_was_not_killed(tmp_path: Path) -> None:
    (tmp_path / "m.engine.building").write_text(f"{os.getpid()}\n")
    with marked(tmp_path / "m.engine") as told:
        assert told == ""
    (tmp_path / "m.engine.building").write_text("nonsense")
    with marked(tmp_path / "m.engine") as told:
        assert told == ""
