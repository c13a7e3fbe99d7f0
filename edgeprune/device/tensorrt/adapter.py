"""Everything that differs between TensorRT 8, 10, 11 and TensorRT for RTX, when an engine is built.

8.x needs explicit batches; 10.x builds strongly typed on request, 11 and RTX always do, and have
no flags for precision any more. Nothing outside this file asks for a version.
"""

from __future__ import annotations

from typing import Any

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.settings import EngineSettingError, EngineSettings

_MIB = 1 << 20


class Adapter:
    """What the builder asks of one version."""

    def __init__(self, bindings: Bindings) -> None:
        self._trt = bindings.module
        self._bindings = bindings

    def network_flags(self) -> int:
        """Flags of `create_network`: explicit batches, and types that the graph decides."""
        flag = self._trt.NetworkDefinitionCreationFlag
        release = self._bindings.release
        if self._bindings.is_rtx or release >= (11, 0):
            return 0
        if release >= (10, 0):
            return 1 << int(flag.STRONGLY_TYPED)
        return 1 << int(flag.EXPLICIT_BATCH)

    def configure(self, config: Any, settings: EngineSettings, workspace_mib: int | None) -> None:
        """Put the settings into a builder's configuration."""
        flags = self._trt.BuilderFlag
        if not settings.tf32:
            config.clear_flag(flags.TF32)
        if workspace_mib is not None:
            pool = self._trt.MemoryPoolType.WORKSPACE
            config.set_memory_pool_limit(pool, workspace_mib * _MIB)
        if settings.level is not None:
            self._set_level(config, settings.level)
        if self._bindings.is_rtx:
            self._set_sm(config, settings.sm)
        elif settings.sm is not None:
            raise EngineSettingError(
                "--sm: TensorRT builds for the GPU it runs on; leave it out, or use "
                "--backend tensorrt-rtx"
            )

    def _set_level(self, config: Any, level: int) -> None:
        if not hasattr(config, "builder_optimization_level"):
            raise DeviceUnsupportedError(
                f"--level: {self._bindings.label} has no optimisation levels; leave it out"
            )
        config.builder_optimization_level = level

    def _set_sm(self, config: Any, sm: str | None) -> None:
        if sm is None:
            return
        known = self._trt.ComputeCapability
        name = f"SM{sm}"
        if not hasattr(known, name):
            names = (n[2:] for n in sorted(vars(known)) if n.startswith("SM") and n[2:].isdigit())
            raise EngineSettingError(
                f"--sm {sm}: {self._bindings.label} builds for {', '.join(names)}"
            )
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(known, name), 0)
