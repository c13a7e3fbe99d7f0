"""What the agent's commands do with a bundle, in whichever runtime there is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Collection

from edgeprune.device.agent.events import Events
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.bundle.agreement import Agreement
from edgeprune.device.bundle.manifest import BundleModel, Manifest
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.tensorrt.engine_file import EngineFile


@dataclass(frozen=True)
class Work:
    """A bundle, and what is asked of it.

    Attributes:
        bundle: its folder, whose files are whole.
        manifest: what it holds.
        runtime: `tensorrt`, `trtexec` or `onnxruntime`.
        label: the runtime with its version, for the record.
        batch: samples of a request.
        threads: of ONNX Runtime; None for one a core.
        events: who is told.
    """

    bundle: Path
    manifest: Manifest
    runtime: str
    label: str
    batch: int
    threads: int | None
    events: Events


class Workbench(ABC):
    """A bundle's models in one runtime.

    Args:
        work: what is asked.

    Attributes:
        no_energy: why energy is not measured in this runtime; empty where it can be.
        profiler: whose times `profile` gives.
    """

    no_energy = ""

    @property
    @abstractmethod
    def profiler(self) -> str: ...

    def __init__(self, work: Work) -> None:
        self.work = work

    @abstractmethod
    def build(self) -> dict[str, EngineFile | None]:
        """Make every model ready; its engine by name, None in ONNX Runtime.

        Raises:
            DeviceError: a model cannot be built.
        """

    @abstractmethod
    def verify(self) -> dict[str, Agreement]:
        """Outputs beside the host's, of every model that has references.

        Raises:
            DeviceError: a model fails, or a reference is damaged.
        """

    @abstractmethod
    def bench(self, protocol: Protocol, energy: EnergyProtocol | None) -> Benchmark:
        """Every model beside the first.

        Raises:
            DeviceError: a model fails, or a setting is out of range.
        """

    @abstractmethod
    def profile(self, model: BundleModel, raced: Collection[str]) -> tuple[ProfiledLayer, ...]:
        """Time every layer of a model for one request.

        Args:
            model: one of the manifest's, or its rival.
            raced: modules whose layers race.

        Raises:
            DeviceError: the model fails, or the runtime does not tell its layers' times.
        """
