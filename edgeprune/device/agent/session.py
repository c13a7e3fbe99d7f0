"""A board with a bundle on it: what the agent's commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeprune.device.agent.bench import bench_models
from edgeprune.device.agent.events import Events
from edgeprune.device.agent.ready import Ready, make_ready
from edgeprune.device.agent.runtime import ONNXRUNTIME, choose_runtime
from edgeprune.device.agent.verify import require_agreement, verify_models
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bundle.folder import read_bundle
from edgeprune.device.bundle.manifest import Manifest
from edgeprune.device.probe.software import Software, read_software
from edgeprune.device.root import system_root
from edgeprune.device.runners.base import Runner


@dataclass(frozen=True)
class Request:
    """What a user decides about a bundle on a board.

    Attributes:
        runtime: see `choose_runtime`.
        batch: samples of a request.
        threads: of ONNX Runtime; None for one a core.
    """

    runtime: str = "auto"
    batch: int = 1
    threads: int | None = None


class Session:
    """A bundle whose files are whole, and the runtime that was chosen for it.

    Args:
        bundle: its folder.
        request: what the user decided.
        events: who is told.

    Raises:
        BundleError: the bundle is damaged.
        DeviceUnsupportedError: the runtime is missing.
    """

    def __init__(self, bundle: Path, request: Request, events: Events) -> None:
        self.bundle = bundle
        self.request = request
        self.events = events
        self.manifest: Manifest = read_bundle(bundle)
        self.software: Software = read_software(system_root())
        self.runtime = choose_runtime(request.runtime, self.software, events)
        if self.runtime == ONNXRUNTIME and self.manifest.target.startswith("jetson"):
            events.note("measured in ONNX Runtime on the board's CPU; its GPU is not used")
        self._ready: dict[str, Ready] | None = None

    @property
    def label(self) -> str:
        """The runtime with its version, for the record."""
        if self.runtime == ONNXRUNTIME:
            return f"ONNX Runtime {self.software.onnxruntime}"
        return f"TensorRT {self.software.tensorrt}"

    def ready(self) -> dict[str, Ready]:
        """Every model; engines are built at the first call."""
        if self._ready is None:
            self._ready = make_ready(
                self.bundle,
                self.manifest,
                self.manifest.models,
                self.runtime,
                self.request.batch,
                self.request.threads,
                self.events,
            )
        return self._ready

    def runners(self) -> dict[str, Runner]:
        """Their runners."""
        return {name: ready.runner for name, ready in self.ready().items()}

    def build(self) -> dict[str, Any]:
        """Make every model ready: the runtime, and the engines by name."""
        engines = {name: ready.engine for name, ready in self.ready().items()}
        return {
            "runtime": self.label,
            "engines": {name: engine.as_dict() for name, engine in engines.items() if engine},
        }

    def verify(self) -> dict[str, Any]:
        """Compare every model with the host's outputs.

        Raises:
            DisagreementError: one computes something else.
        """
        found = verify_models(
            self.bundle, self.manifest, self.runners(), self.request.batch, self.events
        )
        require_agreement(found)
        return {name: agreement.as_dict() for name, agreement in found.items()}

    def bench(self, protocol: Protocol) -> dict[str, Any]:
        """Time every model beside the first."""
        return bench_models(
            self.bundle,
            self.manifest,
            self.runners(),
            protocol,
            runtime=self.label,
            batch=self.request.batch,
            threads=self.request.threads,
            events=self.events,
        ).as_dict()
