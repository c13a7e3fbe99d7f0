"""What a benchmark found, with all of its conditions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from edgeprune.device.bench.conditions import Conditions
from edgeprune.device.bench.energy_result import NOT_ASKED, EnergyRun, LoadEnergy
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.spread import Ratio
from edgeprune.device.bench.steady import WarmUp
from edgeprune.device.errors import DeviceError


@dataclass(frozen=True)
class ModelTimes:
    """One model, end to end: inputs in memory to outputs in memory.

    Attributes:
        p50_ms: median over all requests.
        p90_ms: 90th percentile.
        p99_ms: 99th percentile.
        repeats_p50_ms: the median of each repeat.
        spread_ms: largest less smallest of these.
        throughput_hz: samples per second while it ran.
        requests: timed.
        late: under a rate, the share of requests that began late.
        device_p50_ms: median on the accelerator alone, without copies; None where there is none.
    """

    name: str
    p50_ms: float
    p90_ms: float
    p99_ms: float
    repeats_p50_ms: tuple[float, ...]
    spread_ms: float
    throughput_hz: float
    requests: int
    late: float
    device_p50_ms: float | None = None


@dataclass(frozen=True)
class Benchmark:
    """Models timed side by side.

    Attributes:
        models: in the order given; the first is what the others are compared with.
        ratios: latency of each further model over the first's, by name.
        batch: samples of a request.
        runtime: what ran them, with its version.
        threads: of the runtime.
        warnings: why it may not hold; empty where nothing speaks against it.
        energy: joules of an inference by model, then by load; None where they were not measured.
        energy_reason: why they were not; empty otherwise.
        energy_run: how they were measured; None where that was not asked for.
        model_bytes: size of each model's file; empty where nobody looked.
    """

    models: tuple[ModelTimes, ...]
    ratios: dict[str, Ratio]
    batch: int
    runtime: str
    threads: int
    protocol: Protocol
    warm_up: WarmUp
    before: Conditions
    after: Conditions
    warnings: tuple[str, ...]
    energy: dict[str, dict[str, LoadEnergy]] | None = None
    energy_reason: str = NOT_ASKED.reason
    energy_run: EnergyRun | None = None
    model_bytes: dict[str, int] = field(default_factory=dict)

    def per_core_hz(self, model: ModelTimes) -> float:
        """Samples per second for each of the runtime's threads."""
        return model.throughput_hz / self.threads

    def require_energy(self) -> None:
        """Refuse a run whose energy was asked for and is void.

        Raises:
            DeviceError: it is; the line says why.
        """
        if self.energy_run is not None and self.energy is None:
            raise DeviceError(
                f"the energy run is void: {self.energy_reason}; the times are kept, and the same "
                "command measures again"
            )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        found = asdict(self)
        found["warm_up"] = self.warm_up._asdict()
        for model, values in zip(self.models, found["models"]):
            values["throughput_per_core_hz"] = self.per_core_hz(model)
        for name, ratio in self.ratios.items():
            found["ratios"][name]["is_clear"] = ratio.is_clear
        if self.energy_run is not None:
            for load, ratios in self.energy_run.ratios.items():
                for name, ratio in ratios.items():
                    found["energy_run"]["ratios"][load][name]["is_clear"] = ratio.is_clear
        return found
