"""What the user decides about a deploy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.deploy.ssh import FOLDER, SshOptions
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.protocol import Protocol
from edgeprune.models.load import ModelOptions

CPU = "cpu"  # the target that is no board


@dataclass(frozen=True)
class DeployRequest:
    """How a run goes to a board, and what is measured there.

    Attributes:
        target: `jetson` for whatever Jetson answers, a target of `edgeprune.device.targets` to
            insist on one, or `cpu` for any machine with ONNX Runtime.
        host: `[user@]host[:port]`; None for this machine.
        ssh: options of ssh.
        folder: on the board.
        wait_s: for another deploy there to finish.
        bundle: how the run is exported.
        runtime: `auto`, `tensorrt`, `trtexec` or `onnxruntime`; `auto` is ONNX Runtime for `cpu`.
        batch: samples of a request.
        threads: of ONNX Runtime.
        protocol: of the benchmark; None for none.
        energy: `on`, `off`, or `auto` for where a sensor answers; None for `auto` on a Jetson and
            `off` for `cpu`.
        energy_protocol: how it is measured.
        lock_clocks: whether `jetson_clocks` fixes the clocks meanwhile.
        model: what the user says about the model file.
    """

    target: str = "jetson"
    host: str | None = None
    ssh: SshOptions = field(default_factory=SshOptions)
    folder: str = FOLDER
    wait_s: float = 0.0
    bundle: BundleRequest = field(default_factory=BundleRequest)
    runtime: str = "auto"
    batch: int = 1
    threads: int | None = None
    protocol: Protocol | None = field(default_factory=Protocol)
    energy: Literal["auto", "on", "off"] | None = None
    energy_protocol: EnergyProtocol = field(default_factory=EnergyProtocol)
    lock_clocks: bool = False
    model: ModelOptions = field(default_factory=ModelOptions)

    @property
    def agent_options(self) -> list[str]:
        """For the agent's commands that take a bundle."""
        on_cpu = self.target == CPU and self.runtime == "auto"
        words = ["--runtime", "onnxruntime" if on_cpu else self.runtime, "--batch", str(self.batch)]
        return words if self.threads is None else [*words, "--threads", str(self.threads)]

    @property
    def bench_options(self) -> list[str]:
        """For those that measure."""
        asked = self.protocol
        assert asked is not None
        words = [
            "--repeats", str(asked.repeats),
            "--seconds", str(asked.seconds),
            "--pause", str(asked.pause_s),
            "--warmup", str(asked.warmup_s),
        ]  # fmt: skip
        if asked.rate_hz is not None:
            words += ["--rate", str(asked.rate_hz)]
        words += self._energy_options
        return [*words, "--lock-clocks"] if self.lock_clocks else words

    @property
    def _energy_options(self) -> list[str]:
        asked = self.energy_protocol
        words = [
            "--energy", self.energy or ("off" if self.target == CPU else "auto"),
            "--power-sensor", asked.sensor,
            "--energy-seconds", str(asked.window_s),
            "--energy-repeats", str(asked.repeats),
            "--idle", str(asked.idle_s),
        ]  # fmt: skip
        return words if asked.rate_hz is None else [*words, "--energy-rate", str(asked.rate_hz)]
