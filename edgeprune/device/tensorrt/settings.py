"""What a user decides about an engine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeprune.device.errors import DeviceError
from edgeprune.device.tensorrt.progress import BuildProgress


@dataclass(frozen=True)
class BatchProfile:
    """Batch sizes that an engine takes, and the one it is tuned for."""

    least: int = 1
    usual: int = 1
    most: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.usual <= self.most:
            raise EngineSettingError(
                f"--batch {self.least}:{self.usual}:{self.most}: write MIN:USUAL:MAX, ascending"
            )


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is built; all of it decides what the engine is.

    Attributes:
        batch: batch sizes it takes.
        sm: compute capability without the dot that TensorRT-RTX builds for; None: this GPU's.
        workspace_mib: most memory that one layer may use while it runs; None: from free memory.
        tf32: whether FP32 layers may round their inputs to TF32 on Ampere and later.
        level: optimisation level, 0 to 5; None: TensorRT's default.
        sparse_weights: whether kernels for weights with two zeros in every four may be chosen.
        tactic_sources: names of the libraries that kernels may come from; None: TensorRT's choice.
        plugins: libraries that are loaded before the graph is read.
    """

    batch: BatchProfile = BatchProfile()
    sm: str | None = None
    workspace_mib: int | None = None
    tf32: bool = True
    level: int | None = None
    sparse_weights: bool = False
    tactic_sources: tuple[str, ...] | None = None
    plugins: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a key."""
        values = asdict(self)
        if self.tactic_sources is not None:
            values["tactic_sources"] = sorted(self.tactic_sources)
        return values


@dataclass(frozen=True)
class BuildAids:
    """What helps a build and does not decide what the engine is.

    Attributes:
        timing_cache: file with times of kernels, read before and written after; None: no cache.
        progress: whom to tell how far it is.
    """

    timing_cache: Path | None = None
    progress: BuildProgress | None = None


class EngineSettingError(DeviceError):
    """A setting that no engine can be built with; exit code 2."""

    exit_code = 2
