"""The energy between two moments: exact for constant power and for ramps, at any stamps."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.device.power.cut import cut
from edgeprune.device.power.result import PowerResult
from edgeprune.device.power.sensor import Reading, Total
from edgeprune.device.power.trace import Trace

WHOLE = Total(("A", "B"), "module_sum")
RAILS = ("A", "B", "C")  # C is a part of B

gaps = st.lists(st.floats(0.05, 0.15), min_size=25, max_size=60)  # irregular, around 0.1 s
shares = st.tuples(st.floats(0, 0.4), st.floats(0.6, 1))


def _stamps(steps: list[float], first_s: float = 5000.0) -> list[float]:
    stamps = [first_s]
    for step in steps:
        stamps.append(stamps[-1] + step)
    return stamps


def _trace(stamps: list[float], milliwatts: object) -> Trace:
    trace = Trace(RAILS, WHOLE.rails)
    for at_s in stamps:
        power = milliwatts(at_s)  # type: ignore[operator]
        trace.append(Reading(at_s, {"A": power, "B": 2 * power, "C": power / 2}, {}))
    return trace


def _cut(trace: Trace, start_s: float, end_s: float, interval_s: float = 0.1) -> PowerResult:
    return cut(trace, start_s, end_s, sensor="ina", interval_s=interval_s, total=WHOLE)


def _inside(stamps: list[float], part: tuple[float, float]) -> tuple[float, float]:
    length = stamps[-1] - stamps[0]
    return stamps[0] + part[0] * length, stamps[0] + part[1] * length


@settings(max_examples=50, deadline=None)
@given(gaps, shares, st.floats(1, 1e5))
def test_constant_power_for_a_time_is_their_product(
    steps: list[float], part: tuple[float, float], power_mw: float
) -> None:
    stamps = _stamps(steps)
    start_s, end_s = _inside(stamps, part)
    found = _cut(_trace(stamps, lambda _: power_mw), start_s, end_s)
    assert found.energy_j == pytest.approx(3 * power_mw / 1000 * (end_s - start_s), rel=1e-9)
    assert found.mean_w == pytest.approx(3 * power_mw / 1000)
    assert found.peak_w == pytest.approx(3 * power_mw / 1000)
    assert found.total_mw == pytest.approx(3 * power_mw)
    assert found.rails_mw == pytest.approx({"A": power_mw, "B": 2 * power_mw, "C": power_mw / 2})
    assert (found.scope, found.reason) == ("module_sum", "")


@settings(max_examples=50, deadline=None)
@given(gaps, shares, st.floats(-500, 500))
def test_a_ramp_is_exact_whatever_the_stamps(
    steps: list[float], part: tuple[float, float], slope: float
) -> None:
    stamps = _stamps(steps)
    start_s, end_s = _inside(stamps, part)

    def power_mw(at_s: float) -> float:
        return 10_000 + slope * (at_s - stamps[0])

    found = _cut(_trace(stamps, power_mw), start_s, end_s)
    middle_w = 3 * power_mw((start_s + end_s) / 2) / 1000
    assert found.energy_j == pytest.approx(middle_w * (end_s - start_s), rel=1e-9)
    assert found.peak_w == pytest.approx(3 * max(power_mw(start_s), power_mw(end_s)) / 1000)


@settings(max_examples=50, deadline=None)
@given(gaps, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_parts_of_a_window_add_up(steps: list[float], cuts: list[float]) -> None:
    stamps = _stamps(steps)
    trace = _trace(stamps, lambda at_s: 9000 + 4000 * math.sin(7 * at_s))
    edges = sorted(
        {stamps[0], stamps[-1], *(stamps[0] + c * (stamps[-1] - stamps[0]) for c in cuts)}
    )
    total = trace.total
    assert total is not None
    joules = [total.energy_at(trace.position(edge)) for edge in edges]
    assert joules == sorted(joules)
    assert joules[-1] - joules[0] == pytest.approx(_cut(trace, stamps[0], stamps[-1]).energy_j)


def test_a_wave_read_often_is_its_integral() -> None:
    stamps = [number / 100 for number in range(1001)]
    trace = _trace(stamps, lambda at_s: 5000 + 3000 * math.sin(2 * math.pi * at_s))
    found = _cut(trace, 0.25, 7.75, interval_s=0.01)
    assert found.energy_j == pytest.approx(3 * 5.0 * 7.5, rel=1e-3)
    assert found.peak_w == pytest.approx(24.0, rel=1e-3)


@settings(max_examples=50, deadline=None)
@given(gaps, shares, st.floats(1, 400))
def test_a_counters_energy_is_the_counters(
    steps: list[float], part: tuple[float, float], watts: float
) -> None:
    """Interpolated at the edges; its power is the mean between readings."""
    stamps = _stamps(steps)
    trace = Trace(("X",), ("X",))
    for at_s in stamps:
        trace.append(Reading(at_s, {}, {"X": watts * (at_s - stamps[0])}))
    start_s, end_s = _inside(stamps, part)
    found = cut(
        trace, start_s, end_s, sensor="rapl", interval_s=0.1, total=Total(("X",), "cpu_packages")
    )
    assert found.energy_j == pytest.approx(watts * (end_s - start_s), rel=1e-9)
    assert found.peak_w == pytest.approx(watts)
    assert found.rails_mw == pytest.approx({"X": 1000 * watts})


def test_where_both_are_read_the_counter_holds_and_the_power_checks_it() -> None:
    total = Total(("GPU0",), "gpu_board")
    for counted_w, told in ((100.0, False), (102.0, False), (120.0, True)):
        trace = Trace(("GPU0",), ("GPU0",))
        for number in range(21):
            at_s = number / 10
            trace.append(Reading(at_s, {"GPU0": 100_000}, {"GPU0": counted_w * at_s}))
        found = cut(trace, 0.0, 2.0, sensor="nvml", interval_s=0.1, total=total)
        assert found.energy_j == pytest.approx(2 * counted_w)
        assert found.peak_w == pytest.approx(100.0)
        assert bool(found.notes) == told
