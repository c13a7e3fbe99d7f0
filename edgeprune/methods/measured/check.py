"""Measures pruned networks against the dense one on the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from torch import nn

from edgeprune.deploy.meter import Figures, Meter
from edgeprune.device.bench.spread import paired_ratio
from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.export.onnx import DEFAULT_TARGET
from edgeprune.methods.measured.cache import DENSE, MeasuredCache, as_quantities, share
from edgeprune.methods.measured.variants import name_of, removal_of
from edgeprune.prune.graph.types import ChannelGraph, IntArray

PRUNED = "pruned"
_SLOW = 1.1  # times what the dense network took in quiet moments
_TRIES = 3  # at finding one
CALLS = 3  # of the meter for widths that are to be final, and for the delivered network


@dataclass(frozen=True)
class Share:
    """A network's cost as a share of the dense one's, with the repeats' 95 % interval."""

    share: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Plain values, for JSON."""
        return asdict(self)


class Check:
    """Measures whole networks beside the dense one.

    Where the machine has slow minutes, ratios are others in them, too: a measurement in which the
    dense network is slow is made again, and the one in which it is fastest counts.

    What was measured of a network in training is kept by its widths, so that an interrupted run
    decides again as it did.

    Args:
        graph: channels of the dense network.
        graphs: it and its narrowed versions.
        meter: what measures.
        folder: of the run's measurements.
        quiet_ms: what the dense network takes when nothing else runs.
        note: told once, in a line, where no quiet moment is found.
    """

    def __init__(
        self,
        graph: ChannelGraph,
        graphs: NarrowedGraphs,
        meter: Meter,
        folder: Path,
        quiet_ms: float,
        note: Callable[[str], None],
    ) -> None:
        self._graph = graph
        self._graphs = graphs
        self._meter = meter
        self._quiet_ms = quiet_ms
        self._note = note
        self._has_noted = False
        self._kept = MeasuredCache(folder, {"networks": "proposed", **meter.identity})

    def of_widths(self, removed: IntArray, calls: int = 1) -> Mapping[str, float]:
        """Shares of the dense network's cost, by quantity.

        Args:
            removed: channels that are gone from each group of the dense network.
            calls: of the meter, pooled; a search can bear more noise than what comes of it.
        """
        name = name_of(self._graph, removed) + (f" in {calls} calls" if calls > 1 else "")
        if not self._kept.has(name):
            pruned = self._graphs.narrowed(removal_of(removed), PRUNED)
            found = self._measured({DENSE: self._graphs.dense(), PRUNED: pruned}, calls)
            self._kept.add({DENSE: found[DENSE], name: found[PRUNED]})
        return self._kept.shares(name)

    def of_student(self, module: nn.Module, file: Path) -> dict[str, Share]:
        """The same of the delivered network, measured anew.

        Args:
            module: the network.
            file: its ONNX file, which is what runs where the target takes it as it is.
        """
        if self._meter.onnx_target != DEFAULT_TARGET:
            file = self._graphs.exported(module, PRUNED)
        graphs = {DENSE: self._graphs.dense(), PRUNED: file}
        figures = self._measured(graphs, CALLS)
        dense, pruned = (as_quantities(figures[name]) for name in (DENSE, PRUNED))
        found = {}
        for quantity, values in pruned.items():
            ratio = paired_ratio(values, dense[quantity])
            found[quantity] = Share(share(values, dense[quantity]), ratio.low, ratio.high)
        return found

    def _measured(self, graphs: Mapping[str, Path], calls: int) -> Mapping[str, Figures]:
        found = [self._in_a_quiet_minute(graphs) for _ in range(calls)]
        return {name: _pooled([call[name] for call in found]) for name in graphs}

    def _in_a_quiet_minute(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        tries: list[tuple[float, Mapping[str, Figures]]] = []
        while len(tries) < _TRIES:
            found = self._meter.measure(graphs)
            tries.append((float(np.percentile(found[DENSE].latency_ms, 25)), found))
            if tries[-1][0] <= _SLOW * self._quiet_ms:
                return found
        quickest_ms, found = min(tries, key=lambda one: one[0])
        self._tell_slow(quickest_ms)
        return found

    def _tell_slow(self, dense_ms: float) -> None:
        if self._has_noted:
            return
        self._has_noted = True
        self._note(
            f"note: {dense_ms:.3g} ms for the dense network, which took {self._quiet_ms:.3g} ms "
            f"before: the target is slower now, so that measurements are made {_TRIES} times and "
            "are less certain; end what else runs there"
        )


def _pooled(parts: list[Figures]) -> Figures:
    latency = tuple(value for part in parts for value in part.latency_ms)
    energy = tuple(value for part in parts for value in part.energy_mj or ())
    has_energy = all(part.energy_mj is not None for part in parts)
    return Figures(latency, energy if has_energy else None)
