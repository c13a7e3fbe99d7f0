"""What an inference costs in energy, under two loads, and against which baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.spread import Ratio

FASTEST, AT_RATE = "fastest", "rate"
LOADS = (FASTEST, AT_RATE)


@dataclass(frozen=True)
class LoadEnergy:
    """One model under one load; an inference is one sample.

    Attributes:
        gross_j: joules of the whole scope per inference, mean of the repeats.
        gross_spread_j: largest less smallest of the repeats.
        repeats_gross_j: of each repeat.
        net_j: the same without what the idle device draws in that time.
        net_spread_j: largest less smallest of the repeats.
        repeats_net_j: of each repeat.
        mean_w: mean of the repeats.
        peak_w: highest of all.
        p50_ms: median latency of a request.
        p90_ms: 90th percentile.
        p99_ms: 99th percentile.
        throughput_hz: inferences per second.
        inferences: counted, of all repeats.
        late: share of requests that began late, under a rate.
    """

    gross_j: float
    gross_spread_j: float
    repeats_gross_j: tuple[float, ...]
    net_j: float
    net_spread_j: float
    repeats_net_j: tuple[float, ...]
    mean_w: float
    peak_w: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    throughput_hz: float
    inferences: int
    late: float


@dataclass(frozen=True)
class Idle:
    """The baseline: models loaded, nothing running.

    Attributes:
        before_w: mean power before the loads.
        after_w: after them and a cool-down; None where the run ended before.
        before_c: temperature at the first baseline; None where nothing tells it.
        after_c: at the second.
    """

    before_w: float
    after_w: float | None
    before_c: float | None
    after_c: float | None

    @property
    def mean_w(self) -> float:
        """Of both."""
        return self.before_w if self.after_w is None else (self.before_w + self.after_w) / 2

    @property
    def apart(self) -> float:
        """How far the second is from the first, as a share of it."""
        if self.after_w is None or self.after_w == self.before_w:
            return 0.0
        return abs(self.after_w - self.before_w) / self.before_w if self.before_w else math.inf


@dataclass(frozen=True)
class EnergyRun:
    """How energy was measured; kept also where it came to nothing.

    Attributes:
        sensor: that measured.
        scope: what the joules are of; not comparable with those of another scope.
        readings_hz: per second.
        rate_hz: of the load at a fixed rate, requests per second.
        idle: the baseline; None where it was not reached.
        ratios: by load, gross joules of each further model over the first's, by name.
        protocol: its settings.
        notes: what else to know.
    """

    sensor: str
    scope: str | None
    readings_hz: float
    rate_hz: float
    idle: Idle | None
    ratios: dict[str, dict[str, Ratio]]
    protocol: EnergyProtocol
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Energy:
    """All of it.

    Attributes:
        models: by name, then by load; None where the run is void.
        reason: why it is void; empty otherwise.
        run: how it was measured; None where it was not asked for.
    """

    models: dict[str, dict[str, LoadEnergy]] | None
    reason: str
    run: EnergyRun | None


NOT_ASKED = Energy(None, "not asked for; --energy measures it", None)
