"""Predicting latencies layer by layer: the other way, for what it is compared with."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from synthetic_meter import SyntheticMeter, latency_ms

from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.methods.measured.variants import removal_of
from edgeprune.models.registry import build_model
from edgeprune.prune.discovery import find_channels

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("latency_parts.layers")


def test_convolutions_measured_alone_add_up_to_what_a_network_saves(
    layers: ModuleType, tmp_path: Path
) -> None:
    network = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
    inputs = (torch.zeros(2, 1, 8, 8),)
    graph = find_channels(network, inputs)
    graphs = NarrowedGraphs(network, graph, inputs, tmp_path)
    dense = layers.places_of(graphs.dense())
    grid = {1: [1], 16: [8, 16], 32: [8, 16, 32], 64: [8, 32, 64]}
    tables = layers.LayerTables(dense, grid, SyntheticMeter(), tmp_path)
    counts = np.array([group.size - 8 for group in graph.groups])
    narrow = graphs.narrowed(removal_of(counts), "narrow")
    saved = latency_ms(graphs.dense()) - latency_ms(narrow)
    assert tables.saved_ms(layers.places_of(narrow)) == pytest.approx(saved, rel=0.02)
    assert tables.saved_ms(dense) == 0.0
    assert tables.measured < len(dense) * 9
