"""A bundle on a board, checked, with the workbench that suits its runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeprune.device.agent.events import Events
from edgeprune.device.agent.racing import run_race
from edgeprune.device.agent.runtime import ONNXRUNTIME, TRTEXEC, choose_runtime
from edgeprune.device.agent.workbench import Work, Workbench
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bundle.agreement import Agreement
from edgeprune.device.bundle.folder import read_bundle
from edgeprune.device.errors import DeviceError
from edgeprune.device.probe.software import Software, read_software
from edgeprune.device.root import system_root


class DisagreementError(DeviceError):
    """A model computes something else on the board; exit code 3."""

    exit_code = 3


class Session:
    """What the commands share.

    Args:
        bundle: its folder.
        runtime: see `choose_runtime`.
        batch: samples of a request.
        threads: of ONNX Runtime; None for one a core.
        events: who is told.

    Raises:
        BundleError: the bundle is damaged.
        DeviceUnsupportedError: the runtime is missing.
    """

    def __init__(
        self, bundle: Path, runtime: str, batch: int, threads: int | None, events: Events
    ) -> None:
        manifest, software = read_bundle(bundle), read_software(system_root())
        chosen = choose_runtime(runtime, software, events, manifest.system)
        if chosen == ONNXRUNTIME and manifest.target.startswith("jetson"):
            events.note("measured in ONNX Runtime on the board's CPU; its GPU is not used")
        label = _label(chosen, software)
        work = Work(bundle, manifest, chosen, label, batch, threads, events)
        self._events = events
        self._label = label
        self._bench = _workbench(work)

    def build(self) -> dict[str, Any]:
        """Make every model ready: the runtime, and the engines by name."""
        engines = self._bench.build()
        return {
            "runtime": self._label,
            "engines": {name: engine.as_dict() for name, engine in engines.items() if engine},
        }

    def verify(self) -> dict[str, Any]:
        """Compare every model with the host's outputs.

        Raises:
            DisagreementError: one computes something else.
        """
        found = self._bench.verify()
        for name, agreement in found.items():
            self._events.step(f"{name}: {_words(agreement)}")
        for name, agreement in found.items():
            if not agreement.kept:
                raise DisagreementError(
                    f"{name}: {_words(agreement)}; at least {agreement.least_snr_db:g} dB are "
                    "asked for: this runtime computes something else, try another --precision"
                )
        return {name: agreement.as_dict() for name, agreement in found.items()}

    @property
    def has_rival(self) -> bool:
        """Whether there is a race to run."""
        return self._bench.work.manifest.rival is not None

    def race(self) -> dict[str, Any]:
        """Which sparse layers lost to dense ones, see `run_race`."""
        return run_race(self._bench)

    @property
    def no_energy(self) -> str:
        """Why this runtime's energy is not measured; empty where it can be."""
        return self._bench.no_energy

    def bench(self, protocol: Protocol, energy: EnergyProtocol | None) -> dict[str, Any]:
        """Time every model beside the first."""
        return self._bench.bench(protocol, energy).as_dict()


def _workbench(work: Work) -> Workbench:
    if work.runtime == TRTEXEC:
        from edgeprune.device.agent.trtexec_bench import TrtexecBench

        return TrtexecBench(work)
    # It needs numpy, which a board with trtexec alone may lack.
    from edgeprune.device.agent.runner_bench import RunnerBench

    return RunnerBench(work)


def _label(runtime: str, found: Software) -> str:
    if runtime == ONNXRUNTIME:
        return f"ONNX Runtime {found.onnxruntime}"
    return f"{'trtexec of ' if runtime == TRTEXEC else ''}TensorRT {found.tensorrt}"


def _words(found: Agreement) -> str:
    if found.max_abs_error is None:
        return "its outputs are not finite, or of another shape, on the board"
    if found.snr_db is None:
        return f"all outputs of {found.samples} samples equal to the last bit"
    return (
        f"outputs of {found.samples} samples at most {found.max_abs_error:.1e} from the host's, "
        f"{found.snr_db:.0f} dB"
    )
