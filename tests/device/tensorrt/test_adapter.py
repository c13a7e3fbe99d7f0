"""What each version is asked for, on modules rebuilt from what the real bindings have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorrt_rtx
from tensorrt_surface import VERSIONS, rebuilt, recorded, surface_of

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.adapter import Adapter
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.memory import workspace_mib
from edgeprune.device.tensorrt.settings import EngineSettingError, EngineSettings


def _adapter(version: str) -> tuple[Adapter, Any, Any]:
    """The adapter of a version, its module, and a configuration that remembers."""
    module = rebuilt(version)
    backend = "tensorrt-rtx" if version.startswith("rtx") else "tensorrt"
    adapter = Adapter(Bindings(backend, module, version.replace("rtx-", "")))
    return adapter, module, module.IBuilderConfig()


def test_the_recorded_surface_is_that_of_the_installed_module() -> None:
    installed = ".".join(tensorrt_rtx.__version__.split(".")[:3])
    if f"rtx-{installed}" not in VERSIONS:
        pytest.skip(f"recorded is rtx-1.7.1, installed is {installed}")
    found = recorded(f"rtx-{installed}")
    assert surface_of(tensorrt_rtx) == {key: found[key] for key in ("enums", "classes")}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recording_says_how_it_was_made(version: str) -> None:
    assert len(recorded(version)["how"]) > 20


@pytest.mark.parametrize(
    ("version", "flag"),
    [
        ("8.5.2", "EXPLICIT_BATCH"),
        ("8.6.1", "EXPLICIT_BATCH"),
        ("10.3.0", "STRONGLY_TYPED"),
        ("10.16.1", "STRONGLY_TYPED"),
        ("11.4.0", None),
        ("rtx-1.7.1", None),
    ],
)
def test_types_are_the_graphs_wherever_the_version_can(version: str, flag: str | None) -> None:
    adapter, module, _ = _adapter(version)
    wanted = 0 if flag is None else 1 << module.NetworkDefinitionCreationFlag[flag]
    assert adapter.network_flags() == wanted
    assert adapter.has_precision_flags == version.startswith("8.")


@pytest.mark.parametrize("version", VERSIONS)
def test_settings_reach_the_builder_by_names_it_has(version: str) -> None:
    adapter, module, config = _adapter(version)
    level = None if version == "8.5.2" else 5
    source = "JIT_CONVOLUTIONS"
    adapter.configure(
        config,
        EngineSettings(tf32=False, level=level, sparse_weights=True, tactic_sources=(source,)),
        64,
    )
    levels = [] if level is None else [("builder_optimization_level", 5)]
    assert config.told == [
        ("profiling_verbosity", module.ProfilingVerbosity.DETAILED),
        ("clear_flag", (module.BuilderFlag.TF32,)),
        ("set_flag", (module.BuilderFlag.SPARSE_WEIGHTS,)),
        ("set_memory_pool_limit", (module.MemoryPoolType.WORKSPACE, 64 << 20)),
        *levels,
        ("set_tactic_sources", (1 << module.TacticSource[source],)),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_set_that_nobody_asked_for(version: str) -> None:
    adapter, module, config = _adapter(version)
    adapter.configure(config, EngineSettings(), None)
    assert config.told == [("profiling_verbosity", module.ProfilingVerbosity.DETAILED)]


def test_levels_are_refused_where_there_are_none() -> None:
    adapter, _, config = _adapter("8.5.2")
    with pytest.raises(
        DeviceUnsupportedError, match=r"TensorRT 8\.5\.2 has no optimisation levels"
    ) as told:
        adapter.configure(config, EngineSettings(level=3), None)
    assert told.value.exit_code == 5


@pytest.mark.parametrize(("version", "name"), [("11.4.0", "CUDNN"), ("10.3.0", "cudnn")])
def test_tactic_sources_that_a_version_lacks_are_refused(version: str, name: str) -> None:
    adapter, _, config = _adapter(version)
    with pytest.raises(
        EngineSettingError, match=f"--tactic-sources {name}: .* has .*JIT_CONVOLUTIONS"
    ) as told:
        adapter.configure(config, EngineSettings(tactic_sources=(name,)), None)
    assert told.value.exit_code == 2


def test_a_capability_is_refused_where_engines_are_built_on_their_gpu() -> None:
    adapter, _, config = _adapter("10.3.0")
    with pytest.raises(EngineSettingError, match="use --backend tensorrt-rtx"):
        adapter.configure(config, EngineSettings(sm="87"), None)


def test_a_board_plans_with_half_of_what_is_free(tmp_path: Path) -> None:
    meminfo, board = tmp_path / "meminfo", tmp_path / "model"
    meminfo.write_text("MemTotal: 8000000 kB\nMemAvailable:    4194304 kB\n")
    assert workspace_mib(meminfo, board) is None, "a graphics card has memory of its own"
    board.write_text("NVIDIA Jetson Orin Nano\0")
    assert workspace_mib(meminfo, board) == 2048
