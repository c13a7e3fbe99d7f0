"""The energy of a benchmark on a terminal: joules, the baseline, and why a run is void."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from edgeprune.device.bench.conditions import look
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.energy_result import AT_RATE, FASTEST, EnergyRun, Idle, LoadEnergy
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark, ModelTimes
from edgeprune.device.bench.spread import Ratio
from edgeprune.device.bench.steady import WarmUp
from edgeprune.report.benchmark_table import benchmark_table
from edgeprune.report.energy_table import energy_lines


def _cost(joules: float, mean_w: float, late: float = 0.0) -> LoadEnergy:
    repeats = (joules, joules)
    return LoadEnergy(
        joules, 0.001, repeats, joules / 2, 0.002, repeats, mean_w, mean_w + 1, 5.0, 6.0, 7.0,
        200.0, 60_000, late,
    )  # fmt: skip


def _times(name: str) -> ModelTimes:
    return ModelTimes(name, 5.0, 6.0, 7.0, (5.0, 5.0, 5.0), 0.0, 200.0, 600, 0.0)


RUN = EnergyRun(
    "ina", "module", 10.0, 50.0, Idle(4.0, 4.1, 45.0, 46.0),
    {FASTEST: {"student": Ratio(0.5, 0.48, 0.52)}, AT_RATE: {"student": Ratio(0.8, 0.7, 0.9)}},
    EnergyProtocol(), ("rail X did not answer",),
)  # fmt: skip
FOUND = Benchmark(
    models=(_times("dense"), _times("student")),
    ratios={"student": Ratio(0.6, 0.55, 0.65)},
    batch=1,
    runtime="TensorRT 10.3",
    threads=6,
    protocol=Protocol(),
    warm_up=WarmUp(3.0, True),
    before=look(brief=True),
    after=look(brief=True),
    warnings=(),
    energy={
        "dense": {FASTEST: _cost(0.08, 12.0), AT_RATE: _cost(0.12, 6.0)},
        "student": {FASTEST: _cost(0.04, 12.6), AT_RATE: _cost(0.1, 5.4, late=0.2)},
    },
    energy_reason="",
    energy_run=RUN,
)


def _shown(found: Benchmark) -> str:
    screen = io.StringIO()
    Console(file=screen, width=100).print(benchmark_table(found))
    return screen.getvalue()


def test_each_load_has_its_joules_and_ratio() -> None:
    shown = _shown(FOUND)
    fastest, rate = shown.split("energy of an inference, ")[1:]
    assert fastest.startswith("as fast as it goes")
    assert rate.startswith("50 requests a second")
    (row,) = (line.split() for line in fastest.splitlines() if line.strip().startswith("student"))
    assert row[1:7] == ["40.0", "mJ", "1.00", "mJ", "20.0", "mJ"]
    assert row[7:] == ["12.6", "13.6", "0.500", "[0.480,", "0.520]"]
    assert "0.800 [0.700, 0.900]" in rate


def test_in_json_ratios_tell_whether_they_are_clear() -> None:
    ratios = FOUND.as_dict()["energy_run"]["ratios"]
    assert ratios[FASTEST]["student"] == {"ratio": 0.5, "low": 0.48, "high": 0.52, "is_clear": True}


def test_the_words_give_baseline_and_scope() -> None:
    told = energy_lines(FOUND)
    assert told[0] == (
        "energy of module by ina at 10.0 Hz: idle 4.00 W before and 4.10 W after (30 s each), "
        "5 repeats of 60 s each, in turns; net: without idle"
    )
    assert told[1] == "student: 5.0% more mean power than dense, as fast as it goes (module)"
    assert told[2] == "student: 10.0% less mean power than dense, 50 requests a second (module)"
    assert told[3] == "student: 20% of the requests at the fixed rate began late"
    assert told[4] == "energy: rail X did not answer"


def test_a_void_run_has_a_reason_and_no_table() -> None:
    void = replace(FOUND, energy=None, energy_reason="no reading for 0.5 s")
    assert energy_lines(void)[0] == "energy: void, since no reading for 0.5 s"
    assert "energy of an inference" not in _shown(void)
    assert "energy: void" in _shown(void)


def test_energy_that_was_not_asked_for_is_not_shown() -> None:
    silent = replace(FOUND, energy=None, energy_run=None)
    assert energy_lines(silent) == []
    assert "energy" not in _shown(silent)
