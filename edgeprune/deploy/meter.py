"""What a budget in milliseconds or millijoules is measured with, on whatever target.

A meter knows its target and how graphs get there; who asks it knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Figures:
    """What one inference of one network took: a figure per repeat.

    Networks that are measured together have their turns in every repeat, so that figures of the
    same repeat belong together and their ratio is what counts: a slow spell meets them all.

    Attributes:
        latency_ms: median of each repeat.
        energy_mj: energy of an inference in each repeat; None where no sensor measures it.
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
