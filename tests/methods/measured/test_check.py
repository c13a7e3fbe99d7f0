"""Whole networks beside the dense one, on a machine with slow minutes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_meter import SyntheticMeter, latency_ms

from edgeprune.deploy.meter import Figures
from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.methods.measured.cache import DENSE
from edgeprune.methods.measured.check import Check
from edgeprune.methods.measured.variants import removal_of
from edgeprune.models.registry import build_model
from edgeprune.prune.discovery import find_channels


class _SlowMinutes(SyntheticMeter):
    """In its first calls everything is slower, and what is narrowed loses more."""

    def __init__(self, slow_calls: int) -> None:
        super().__init__()
        self._slow_calls = slow_calls

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        found = super().measure(graphs)
        if len(self.measured) > self._slow_calls:
            return found
        factors = {name: 1.3 if name == DENSE else 1.5 for name in found}
        return {
            name: Figures(tuple(factors[name] * t for t in each.latency_ms))
            for name, each in found.items()
        }


@pytest.mark.parametrize(
    ("slow_calls", "calls", "factor"), [(0, 1, 1.0), (2, 3, 1.0), (9, 3, 1.5 / 1.3)]
)
def test_what_was_measured_in_a_slow_minute_is_measured_again(
    slow_calls: int, calls: int, factor: float, tmp_path: Path
) -> None:
    """Three times at most: then a slow machine is what there is."""
    network = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
    inputs = (torch.zeros(2, 1, 8, 8),)
    graph = find_channels(network, inputs)
    graphs = NarrowedGraphs(network, graph, inputs, tmp_path)
    dense_ms = latency_ms(graphs.dense())
    meter, said = _SlowMinutes(slow_calls), list[str]()
    check = Check(graph, graphs, meter, tmp_path / "kept", dense_ms, said.append)
    counts = np.array([group.size // 2 for group in graph.groups])
    share = check.of_widths(counts)["latency_ms"]
    true = latency_ms(graphs.narrowed(removal_of(counts), "half")) / dense_ms
    assert share == pytest.approx(factor * true, rel=0.01)
    assert len(meter.measured) == calls
    assert check.of_widths(counts)["latency_ms"] == share
    assert len(meter.measured) == calls, "kept by its widths"
    assert len(said) == (factor > 1)
    check.of_widths(counts, 3)
    assert len(said) == (factor > 1), "once"
    assert all("the target is slower now" in line for line in said)


class _NoisyCalls(SyntheticMeter):
    """A call in which what is narrowed seems faster than it is."""

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        found = super().measure(graphs)
        factors = {
            name: 0.9 if name != DENSE and len(self.measured) == 1 else 1.0 for name in found
        }
        return {
            name: Figures(tuple(factors[name] * t for t in each.latency_ms))
            for name, each in found.items()
        }


def test_final_widths_are_measured_more_than_once(tmp_path: Path) -> None:
    """What one call found of them is kept beside, and is not what counts."""
    network = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
    inputs = (torch.zeros(2, 1, 8, 8),)
    graph = find_channels(network, inputs)
    graphs = NarrowedGraphs(network, graph, inputs, tmp_path)
    dense_ms = latency_ms(graphs.dense())
    meter = _NoisyCalls()
    check = Check(graph, graphs, meter, tmp_path / "kept", dense_ms, pytest.fail)
    counts = np.array([group.size // 2 for group in graph.groups])
    true = latency_ms(graphs.narrowed(removal_of(counts), "half")) / dense_ms
    assert check.of_widths(counts)["latency_ms"] == pytest.approx(0.9 * true, rel=0.01)
    for _ in range(2):
        assert check.of_widths(counts, 3)["latency_ms"] == pytest.approx(true, rel=0.01)
        assert len(meter.measured) == 4
    assert check.of_widths(counts)["latency_ms"] == pytest.approx(0.9 * true, rel=0.01)
