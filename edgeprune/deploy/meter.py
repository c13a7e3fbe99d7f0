"""What a budget in milliseconds or millijoules is measured with, on whatever target.

A meter knows its target and how graphs get there; who asks it knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgeprune.device.bench.energy_result import FASTEST
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.errors import DeviceUnsupportedError


@dataclass(frozen=True)
class Figures:
    """What one network took: a figure per repeat.

    Networks that are measured together have their turns in every repeat, so that figures of the
    same repeat belong together and their ratio is what counts: a slow spell meets them all.

    Attributes:
        latency_ms: of a request, the median of each repeat.
        energy_mj: of a sample at full load, everything that the sensor sees, in each repeat; None
            where it is not measured.
    """

    latency_ms: tuple[float, ...]
    energy_mj: tuple[float, ...] | None = None


class Meter(Protocol):
    """Measures ONNX files side by side on one target."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What a figure depends on besides the graph: target, runtime, threads, batch."""

    @property
    def onnx_target(self) -> str:
        """Which target graphs have to be exported for (see `edgeprune.export.onnx`)."""

    @property
    def no_energy(self) -> str | None:
        """Why it measures no energy; None where it does."""

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        """Time the graphs in turns.

        Args:
            graphs: files by name, all with the same inputs.

        Raises:
            DeviceError: the target does not answer, or a graph does not run there.
        """


def figures_of(found: Benchmark) -> dict[str, Figures]:
    """A benchmark's figures, by the model's name.

    Raises:
        DeviceUnsupportedError: energy was asked for, and the sensor failed on the way.
    """
    if found.energy is None and found.energy_run is not None:
        raise DeviceUnsupportedError(f"no energy was measured: {found.energy_reason}")
    return {model.name: Figures(model.repeats_p50_ms, _energy_mj(found, model.name))
            for model in found.models}  # fmt: skip


def _energy_mj(found: Benchmark, name: str) -> tuple[float, ...] | None:
    if found.energy is None:
        return None
    return tuple(1e3 * joules for joules in found.energy[name][FASTEST].repeats_gross_j)
