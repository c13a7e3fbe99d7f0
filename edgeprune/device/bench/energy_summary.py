"""Repeats of a model under a load, summed up per inference."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Sequence

import numpy as np

from edgeprune.device.bench.energy_load import Counted
from edgeprune.device.bench.energy_result import LoadEnergy
from edgeprune.device.bench.spread import Ratio, paired_ratio


class Turn(NamedTuple):
    """A model under a load, once.

    Attributes:
        counted: what ran.
        energy_j: of the scope in that time.
        peak_w: highest power in it.
    """

    counted: Counted
    energy_j: float
    peak_w: float

    @property
    def seconds(self) -> float:
        """That it took."""
        return self.counted.end_s - self.counted.start_s

    def per_inference_j(self, batch: int, idle_w: float = 0.0) -> float:
        """Joules of one sample, less what the idle device draws in the time."""
        return (self.energy_j - idle_w * self.seconds) / (self.counted.requests * batch)


def summarise(turns: Sequence[Turn], batch: int, idle_w: float) -> LoadEnergy:
    """The figures of one model under one load.

    Args:
        turns: one a repeat.
        batch: samples of a request.
        idle_w: the baseline.
    """
    gross = tuple(turn.per_inference_j(batch) for turn in turns)
    net = tuple(turn.per_inference_j(batch, idle_w) for turn in turns)
    latency = np.concatenate([turn.counted.latency_ms for turn in turns])
    p50, p90, p99 = (float(np.percentile(latency, share)) for share in (50, 90, 99))
    inferences = batch * sum(turn.counted.requests for turn in turns)
    return LoadEnergy(
        gross_j=float(np.mean(gross)),
        gross_spread_j=max(gross) - min(gross),
        repeats_gross_j=gross,
        net_j=float(np.mean(net)),
        net_spread_j=max(net) - min(net),
        repeats_net_j=net,
        mean_w=float(np.mean([turn.energy_j / turn.seconds for turn in turns])),
        peak_w=max(turn.peak_w for turn in turns),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        throughput_hz=inferences / sum(turn.seconds for turn in turns),
        inferences=inferences,
        late=sum(turn.counted.late for turn in turns) / len(latency),
    )


def ratios(models: Mapping[str, LoadEnergy]) -> dict[str, Ratio]:
    """Gross joules of each further model over the first's, with the repeats' interval."""
    (_, first), *others = models.items()
    return {
        name: paired_ratio(model.repeats_gross_j, first.repeats_gross_j) for name, model in others
    }
