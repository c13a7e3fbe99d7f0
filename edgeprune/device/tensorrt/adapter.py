"""Everything that differs between TensorRT 8, 10, 11 and TensorRT for RTX, when an engine is built.

8.x needs explicit batches and decides precision by flags; 10.x builds strongly typed on request, 11
and RTX always do. Nothing outside this file asks for a version of the Python bindings.
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

    @property
    def has_precision_flags(self) -> bool:
        """Whether flags decide precision; otherwise the graph does."""
        return not self._bindings.is_rtx and self._bindings.release < (10, 0)

    def network_flags(self) -> int:
        """Flags of `create_network`: explicit batches, and types that the graph decides."""
        flag = self._trt.NetworkDefinitionCreationFlag
        if self._bindings.is_rtx or self._bindings.release >= (11, 0):
            return 0
        return 1 << int(flag.EXPLICIT_BATCH if self.has_precision_flags else flag.STRONGLY_TYPED)

    def configure(self, config: Any, settings: EngineSettings, workspace_mib: int | None) -> None:
        """Put the settings into a builder's configuration."""
        flags = self._trt.BuilderFlag
        # Names of nodes stay in the engine, so that times of its layers can be traced to them.
        config.profiling_verbosity = self._trt.ProfilingVerbosity.DETAILED
        if not settings.tf32:
            config.clear_flag(flags.TF32)
        if settings.sparse_weights:
            config.set_flag(flags.SPARSE_WEIGHTS)
        if workspace_mib is not None:
            pool = self._trt.MemoryPoolType.WORKSPACE
            config.set_memory_pool_limit(pool, workspace_mib * _MIB)
        if settings.level is not None:
            self._set_level(config, settings.level)
        if settings.tactic_sources is not None:
            config.set_tactic_sources(self._sources(settings.tactic_sources))
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

    def _sources(self, names: tuple[str, ...]) -> int:
        known = self._trt.TacticSource
        mask = 0
        for name in names:
            if name not in known.__members__:
                raise EngineSettingError(
                    f"--tactic-sources {name}: {self._bindings.label} has "
                    f"{', '.join(known.__members__)}"
                )
            mask |= 1 << int(known.__members__[name])
        return mask

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
