"""The energy protocol on models whose joules are known: what it finds, and when it says nothing."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from power_trees import hwmon_monitor

from edgeprune.device.bench import energy as energy_module
from edgeprune.device.bench import energy_phase
from edgeprune.device.bench.conditions import Conditions, look
from edgeprune.device.bench.cooling import CoolDown, cool_down
from edgeprune.device.bench.energy import least_seconds, measure_energy
from edgeprune.device.bench.energy_load import Counted, count_requests
from edgeprune.device.bench.energy_phase import Subjects
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.energy_result import AT_RATE, FASTEST, Energy, Idle
from edgeprune.device.bench.energy_summary import Turn, ratios, summarise
from edgeprune.device.bench.measure import say_nothing
from edgeprune.device.bench.protocol import BenchmarkSettingError
from edgeprune.device.bench.sensor_check import check_sensor
from edgeprune.device.power import Reading, Sensor, SensorError, Total

CALM = look(brief=True)
QUICK = EnergyProtocol(
    interval_ms=100, window_s=0.25, repeats=2, idle_s=0.2, pause_s=0, cool_s=0, warmup_s=0.1
)


class _Device(Sensor):
    """Counts joules: some watts all the time, and what its models add."""

    name = "known"

    def __init__(self, idle_w: float = 2.0) -> None:
        super().__init__(QUICK.interval_ms / 1000)
        self.idle_w = idle_w
        self.added_j = 0.0
        self.before_read: Callable[[], object] = lambda: None
        self.order: list[str] = []
        self._since_s = time.monotonic()

    def open(self) -> None:
        self.rails, self.total = ("X",), Total(("X",), "module")

    def read(self) -> Reading:
        self.before_read()
        now_s = time.monotonic()
        return Reading(now_s, {}, {"X": self.added_j + self.idle_w * (now_s - self._since_s)})

    def readings(self, ending: Event) -> Iterator[Reading]:
        """More often than asked, so that edges are sharp and a busy machine makes no gap."""
        while not ending.wait(0.005):
            yield self.read()
        yield self.read()

    def close(self) -> None:
        pass

    def model(self, name: str, joules: float, seconds: float) -> Callable[[], None]:
        def infer() -> None:
            self.order.append(name)
            time.sleep(seconds)
            self.added_j += joules

        return infer


def _run(
    device: _Device,
    monkeypatch: pytest.MonkeyPatch,
    tell: Callable[[str], None] = say_nothing,
    protocol: EnergyProtocol = QUICK,
) -> Energy:
    monkeypatch.setattr(energy_module, "open_sensor", lambda *_, **__: device.__enter__())
    models = {
        "large": device.model("large", 0.1, 0.01),
        "small": device.model("small", 0.02, 0.002),
    }
    return measure_energy(Subjects(models, 1, None, 40.0, None), protocol, tell)[0]


SHORT = replace(QUICK, window_s=0.08, idle_s=0.15)


def _moving_clock() -> Callable[..., Conditions]:
    clocks = itertools.chain([306], itertools.repeat(918))
    return lambda **_: replace(CALM, gpu_mhz=next(clocks))


def test_joules_of_models_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device whose GPU's clock is another one idle."""
    for _ in range(5):  # a busy machine may void some
        told: list[str] = []
        monkeypatch.setattr(energy_phase, "look", _moving_clock())
        found = _run(_Device(), monkeypatch, told.append)
        if found.models is not None:
            break
    assert told[0] == "energy: 0.0 minutes at least, and cooling down"
    assert least_seconds(EnergyProtocol(), models=2) == 21 * 60
    turns = [line.split(",")[:2] for line in told if "repeat 1" in line]
    assert turns == [
        ["energy: large", " as fast as it goes"],
        ["energy: small", " as fast as it goes"],
        ["energy: large", " 40 a second"],
        ["energy: small", " 40 a second"],
    ]
    assert found.models is not None, found.reason
    for name, joules in (("large", 0.1), ("small", 0.02)):
        for load in (FASTEST, AT_RATE):
            cost = found.models[name][load]
            assert cost.net_j == pytest.approx(joules, rel=0.1), (name, load)
            idle_j = 2.0 / cost.throughput_hz
            assert cost.gross_j == pytest.approx(cost.net_j + idle_j, rel=0.05)
            assert len(cost.repeats_gross_j) == 2
            assert cost.mean_w == pytest.approx(cost.gross_j * cost.throughput_hz, rel=0.05)
            assert cost.peak_w >= cost.mean_w
        assert found.models[name][AT_RATE].throughput_hz <= 41
    run = found.run
    assert run is not None
    assert run.idle is not None
    assert (run.sensor, run.scope, run.rate_hz) == ("known", "module", 40.0)
    assert run.idle.mean_w == pytest.approx(2.0, rel=0.01)
    assert run.ratios[FASTEST]["small"].ratio < 0.5
    assert "windows of 0.25 s; figures to publish need 60 s" in run.notes
    assert any("nothing tells the temperature" in note for note in run.notes)
    assert len([note for note in run.notes if "306 MHz idle and 918 MHz under" in note]) == 1


def test_an_idle_device_that_drew_more_afterwards_voids(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device()

    def warm_silicon() -> None:
        if device.order:  # the first baseline is over
            device._since_s, device.added_j = (
                time.monotonic(),
                device.added_j + device.idle_w * (time.monotonic() - device._since_s),
            )
            device.idle_w, device.before_read = 2.3, lambda: None

    device.before_read = warm_silicon
    for _ in range(5):
        found = _run(device, monkeypatch, protocol=SHORT)
        if "idle device" in found.reason:
            break
        device.idle_w, device.before_read, device.order = 2.0, warm_silicon, []
    assert found.models is None
    assert "the idle device drew 2 W before and 2.3 W after, 15.0% apart" in found.reason
    assert found.run is not None
    assert found.run.idle is not None
    assert found.run.ratios == {}


def test_a_sensor_that_stops_voids_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device()

    def gone() -> None:
        if device.order:
            raise SensorError("the rail is gone")

    device.before_read = gone
    found = _run(device, monkeypatch, protocol=SHORT)
    assert found.models is None
    assert "the rail is gone" in found.reason
    assert device.order.count("small") < 100  # minutes were not spent on


def test_a_gap_in_the_readings_voids(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _Device()
    device.before_read = lambda: time.sleep(0.4 if device.order else 0)
    found = _run(device, monkeypatch, protocol=SHORT)
    assert found.models is None
    assert "no reading for 0.4" in found.reason


def test_requests_at_a_rate_include_the_pause_after_the_last() -> None:
    counted = count_requests(lambda: None, 0.2, 50.0)
    assert counted.requests == 11
    assert counted.end_s - counted.start_s >= counted.requests / 50
    fast = count_requests(lambda: time.sleep(0.002), 0.05, None)
    assert fast.requests == len(fast.latency_ms) + 1
    assert fast.end_s - fast.start_s >= 0.05


def _turn(joules: float, seconds: float, requests: int) -> Turn:
    counted = Counted(10.0, 10.0 + seconds, requests, np.full(requests - 1, 5.0), 0)
    return Turn(counted, joules, 7.0)


def test_gross_and_net_are_per_sample() -> None:
    """8 W and 10 W for 10 s, 100 requests of 4 samples, 3 W idle."""
    found = summarise([_turn(80.0, 10.0, 100), _turn(100.0, 10.0, 100)], batch=4, idle_w=3.0)
    assert found.repeats_gross_j == pytest.approx((0.2, 0.25))
    assert found.repeats_net_j == pytest.approx((0.125, 0.175))
    assert (found.gross_j, found.gross_spread_j) == pytest.approx((0.225, 0.05))
    assert (found.net_j, found.net_spread_j) == pytest.approx((0.15, 0.05))
    assert (found.mean_w, found.peak_w, found.throughput_hz) == pytest.approx((9.0, 7.0, 40.0))
    assert (found.inferences, found.late, found.p99_ms) == (800, 0.0, 5.0)
    cheaper = summarise([_turn(40.0, 10.0, 100), _turn(50.0, 10.0, 100)], batch=4, idle_w=3.0)
    assert ratios({"a": found, "b": cheaper})["b"].ratio == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("temperatures", "start_c", "expected"),
    [
        ([50.0], 49.0, CoolDown(0.0, True, 50.0)),
        ([55.0, 53.0, 51.9], 50.0, CoolDown(2.0, True, 51.9)),
        ([55.0] * 9, 50.0, CoolDown(5.0, False, 55.0)),
        ([None], 50.0, CoolDown(0.0, None, None)),
        ([50.0], None, CoolDown(0.0, None, 50.0)),
    ],
)
def test_cooling_down_ends_cool_or_in_time(
    temperatures: list[float | None], start_c: float | None, expected: CoolDown
) -> None:
    told = iter(temperatures)
    slept: list[float] = []
    assert cool_down(lambda: next(told), start_c, 2.0, 5.0, slept.append) == expected
    assert sum(slept) == expected.seconds


def test_idle_baselines_are_compared() -> None:
    assert Idle(2.0, None, None, None).apart == 0.0
    assert Idle(2.0, 2.1, None, None).apart == pytest.approx(0.05)
    assert Idle(2.0, 2.1, None, None).mean_w == pytest.approx(2.05)
    assert Idle(0.0, 1.0, None, None).apart > 1


def test_a_sensor_without_a_total_is_refused_before_minutes_are_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEPRUNE_ROOT", str(tmp_path))
    hwmon_monitor(tmp_path, "1-0040", {"VDD_X": (5000, 100)})
    with pytest.raises(SensorError, match="ina measures no total"):
        check_sensor(EnergyProtocol(sensor="ina"), None)
    with pytest.raises(SensorError, match="tried rapl"):
        check_sensor(EnergyProtocol(), "cpu")


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"repeats": 1}, {"window_s": 0}, {"idle_s": -1}, {"cool_s": -1}, {"rate_hz": 0}):
        with pytest.raises(BenchmarkSettingError):
            EnergyProtocol(**wrong)  # type: ignore[arg-type]
    assert EnergyProtocol().shortcomings() == []
    assert len(QUICK.shortcomings()) == 3
