"""What each version is asked for, on a stand-in that has the names which that version has."""

from __future__ import annotations

from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import pytest

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.adapter import Adapter
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.memory import workspace_mib
from edgeprune.device.tensorrt.settings import EngineSettingError, EngineSettings

# NetworkDefinitionCreationFlag and its values as written down here; the bindings themselves are not
# installed, so these names still have to be held against them.
FLAGS: dict[str, dict[str, int]] = {
    "8.5.2": {"EXPLICIT_BATCH": 0, "EXPLICIT_PRECISION": 1},
    "8.6.2": {"EXPLICIT_BATCH": 0},
    "10.3.0": {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1},
    "10.16.0": {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1},
    "11.4.0": {},
}


class Config:
    """A builder's configuration that remembers what it was told."""

    def __init__(self, has_levels: bool) -> None:
        self.cleared: list[Any] = []
        self.pools: dict[Any, int] = {}
        if has_levels:
            self.builder_optimization_level = 3

    def clear_flag(self, flag: Any) -> None:
        self.cleared.append(flag)

    def set_memory_pool_limit(self, pool: Any, size: int) -> None:
        self.pools[pool] = size


def _adapter(version: str) -> Adapter:
    module = SimpleNamespace(
        NetworkDefinitionCreationFlag=IntEnum("Flag", FLAGS[version]),
        BuilderFlag=SimpleNamespace(TF32="TF32"),
        MemoryPoolType=SimpleNamespace(WORKSPACE="WORKSPACE"),
    )
    return Adapter(Bindings("tensorrt", module, version))


@pytest.mark.parametrize(
    ("version", "flags"),
    [("8.5.2", 1), ("8.6.2", 1), ("10.3.0", 2), ("10.16.0", 2), ("11.4.0", 0)],
)
def test_types_are_the_graphs_wherever_the_version_can(version: str, flags: int) -> None:
    assert _adapter(version).network_flags() == flags


def test_settings_reach_the_builder() -> None:
    config = Config(has_levels=True)
    _adapter("10.3.0").configure(config, EngineSettings(tf32=False, level=5), 64)
    assert config.cleared == ["TF32"]
    assert config.pools == {"WORKSPACE": 64 << 20}
    assert config.builder_optimization_level == 5


def test_nothing_is_set_that_nobody_asked_for() -> None:
    config = Config(has_levels=True)
    _adapter("10.3.0").configure(config, EngineSettings(), None)
    assert (config.cleared, config.pools, config.builder_optimization_level) == ([], {}, 3)


def test_levels_are_refused_where_there_are_none() -> None:
    with pytest.raises(
        DeviceUnsupportedError, match=r"TensorRT 8\.5\.2 has no optimisation levels"
    ):
        _adapter("8.5.2").configure(Config(has_levels=False), EngineSettings(level=3), None)


def test_a_capability_is_refused_where_engines_are_built_on_their_gpu() -> None:
    with pytest.raises(EngineSettingError, match="use --backend tensorrt-rtx"):
        _adapter("10.3.0").configure(Config(has_levels=True), EngineSettings(sm="87"), None)


def test_a_board_plans_with_half_of_what_is_free(tmp_path) -> None:
    meminfo, board = tmp_path / "meminfo", tmp_path / "model"
    meminfo.write_text("MemTotal: 8000000 kB\nMemAvailable:    4194304 kB\n")
    assert workspace_mib(meminfo, board) is None, "a graphics card has memory of its own"
    board.write_text("NVIDIA Jetson Orin Nano\0")
    assert workspace_mib(meminfo, board) == 2048
