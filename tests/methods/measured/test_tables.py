"""What is measured of a network, what is kept of it, and how well it predicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_meter import SyntheticMeter, latency_ms

from edgeprune.deploy.meter import Figures
from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.methods.measured.cache import MeasuredCache
from edgeprune.methods.measured.tables import measure_tables
from edgeprune.methods.measured.variants import plan_variants, removal_of
from edgeprune.models.registry import build_model
from edgeprune.prune.cost import CostModel
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.width_rules import WidthRules

_NAME = "target_latency_ms"


class Subject:
    """A network with its graph and its narrowed versions."""

    def __init__(self, folder: Path) -> None:
        self.network = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
        self.inputs = (torch.zeros(2, 1, 8, 8),)
        self.graph = find_channels(self.network, self.inputs)
        self.costs = CostModel.of(self.network, self.graph)
        self.graphs = NarrowedGraphs(self.network, self.graph, self.inputs, folder)
        self.variants = plan_variants(self.graph, WidthRules(8))

    def table(self, meter: SyntheticMeter, cache: MeasuredCache, tell=lambda *_: None):
        return measure_tables(
            self.graphs, self.graph, self.costs, self.variants, meter, cache, [_NAME], tell
        )[_NAME]


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(tmp_path_factory.mktemp("graphs"))


def test_any_widths_are_predicted_from_a_few(subject: Subject, tmp_path: Path) -> None:
    meter = SyntheticMeter()
    table = subject.table(meter, MeasuredCache(tmp_path, {}))
    assert table.dense == pytest.approx(latency_ms(subject.graphs.dense()), rel=0.01)
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(12):
        counts = np.array([4 * rng.integers(0, g.size // 4 - 1) for g in subject.graph.groups])
        macs = subject.costs.params_and_macs(counts[None])[:, 1] / subject.costs.macs()
        true = latency_ms(subject.graphs.narrowed(removal_of(counts), "any"))
        errors.append(table.predict(subject.graph, counts[None], macs)[0] / true - 1)
    assert np.abs(errors).mean() < 0.02
    assert np.abs(errors).max() < 0.06


def test_an_interrupted_table_goes_on_where_it_was(subject: Subject, tmp_path: Path) -> None:
    class Dying(SyntheticMeter):
        def measure(self, graphs):
            if len(self.measured) == 1:
                raise KeyboardInterrupt
            return super().measure(graphs)

    told: list[tuple[int, int]] = []
    with pytest.raises(KeyboardInterrupt):
        subject.table(Dying(), MeasuredCache(tmp_path, {"network": "a"}))
    after = SyntheticMeter()
    cache = MeasuredCache(tmp_path, {"network": "a"})
    subject.table(after, cache, lambda done, whole: told.append((done, whole)))
    whole = len(subject.variants.removed)
    assert told[0] == (6, whole)
    assert told[-1] == (whole, whole)
    assert sum(len(names) - 1 for names in after.measured) == whole - 6
    idle = SyntheticMeter()
    again = subject.table(idle, MeasuredCache(tmp_path, {"network": "a"}))
    assert idle.measured == []
    assert again.dense > 0
    assert not MeasuredCache(tmp_path, {"network": "b"}).has(next(iter(subject.variants.removed)))


def test_joules_are_a_table_of_their_own(subject: Subject, tmp_path: Path) -> None:
    """What was measured without a sensor is measured again where energy is asked for."""
    cache = MeasuredCache(tmp_path, {})
    subject.table(SyntheticMeter(), cache)
    meter = SyntheticMeter(no_energy=None)
    tables = measure_tables(
        subject.graphs, subject.graph, subject.costs, subject.variants, meter, cache,
        [_NAME, "target_energy_mj"], lambda *_: None,
    )  # fmt: skip
    assert meter.measured
    energy = tables["target_energy_mj"]
    assert energy.dense == pytest.approx(5 * tables[_NAME].dense, rel=0.01)
    assert energy.groups.keys() == tables[_NAME].groups.keys()


def test_groups_that_are_alike_are_measured_once() -> None:
    network = build_model("resnet20", num_classes=10, in_channels=1).eval()
    graph = find_channels(network, (torch.zeros(1, 1, 8, 8),))
    variants = plan_variants(graph, WidthRules(8))
    assert variants.cuts["layer1.0.conv1"] == variants.cuts["layer1.2.conv1"]
    assert variants.cuts["layer3.1.conv1"] == variants.cuts["layer3.2.conv1"]
    assert variants.cuts["layer2.0.conv1"] != variants.cuts["layer2.1.conv1"]
    assert [cut.width for cut in variants.cuts["layer3.1.conv1"]] == [56, 48, 40, 32, 24, 16, 8]
    narrowest = [
        graph.groups[n].size - gone
        for n, gone in enumerate(variants.removed[variants.joint[-1]].tolist())
    ]
    assert narrowest == [8] * len(graph.groups)


def test_of_many_widths_those_are_measured_that_kernels_pad_to() -> None:
    network = build_model("wrn_10_2", num_classes=10, in_channels=1).eval()
    graph = find_channels(network, (torch.zeros(1, 1, 8, 8),))

    def widths(rules: WidthRules) -> list[int]:
        cuts = plan_variants(graph, rules).cuts["block3.layer.0.conv1"]  # of 128 channels
        return [cut.width for cut in cuts]

    assert widths(WidthRules(8)) == [112, 96, 80, 64, 48, 32, 16]
    assert widths(WidthRules(1)) == [112, 96, 80, 64, 48, 32, 16, 13], "the floor is the narrowest"
    assert widths(WidthRules(48)) == [96, 48]


def test_a_damaged_or_foreign_file_is_measured_again(tmp_path: Path) -> None:
    cache = MeasuredCache(tmp_path, {"network": "a"})
    cache.add({"dense": Figures((1.0, 2.0, 4.0)), "half": Figures((0.5, 1.0, 3.0))})
    assert MeasuredCache(tmp_path, {"network": "a"}).shares("half") == {"latency_ms": 0.5}
    assert not cache.has("half", ("latency_ms", "energy_mj"))
    whole = cache.path.read_text(encoding="utf-8")
    for text in (whole[: len(whole) // 2], json.dumps({"key": {"network": "b"}}), "[]"):
        cache.path.write_text(text, encoding="utf-8")
        assert not MeasuredCache(tmp_path, {"network": "a"}).has("half")


def test_other_work_on_the_machine_changes_neither_ratio_nor_dense_time(tmp_path: Path) -> None:
    cache = MeasuredCache(tmp_path, {})
    cache.add({"dense": Figures((1.0,) * 5), "half": Figures((0.5,) * 5)})
    cache.add({"dense": Figures((1.0, 3.0, 9.0)), "third": Figures((0.33, 1.0, 3.1))})
    assert cache.dense("latency_ms") == 1.0
    assert cache.shares("third")["latency_ms"] == pytest.approx(0.333, abs=0.01)
