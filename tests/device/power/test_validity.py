"""When a window is void: gaps, lost readings, edges that nothing was read at."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.device.power.cut import cut
from edgeprune.device.power.sensor import Reading, Total
from edgeprune.device.power.trace import Trace
from edgeprune.device.power.validity import coverage, why_void

EVERY_S = 0.1
STAMPS = [number * EVERY_S for number in range(601)]


def _why(stamps: list[float], start_s: float = 0.0, end_s: float = 60.0) -> str:
    return why_void(stamps, start_s, end_s, EVERY_S)


def test_a_regular_window_holds() -> None:
    assert _why(STAMPS) == ""
    assert _why(STAMPS, 0.05, 59.95) == ""


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(1.0, 1.2))
def test_uneven_stamps_and_a_slow_sensor_hold(seed: int, pace: float) -> None:
    draw = random.Random(seed)
    stamps = [0.0]
    while stamps[-1] < 60:
        stamps.append(stamps[-1] + EVERY_S * pace * draw.uniform(0.8, 1.2))
    assert _why(stamps, stamps[0], stamps[-1]) == ""


def test_a_gap_over_three_intervals_voids() -> None:
    assert _why(STAMPS[:100] + STAMPS[101:]) == ""
    reason = _why(STAMPS[:100] + STAMPS[103:])
    assert "no reading for 0.4 s, 9.9 s into the window; 3 intervals of 0.1 s are" in reason


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_lost_readings_void_from_one_in_twenty_on(seed: int, lost: int) -> None:
    """Never two in a row, so that no gap is over three intervals."""
    numbers = random.Random(seed).sample(range(1, 300), lost)
    kept = [at_s for number, at_s in enumerate(STAMPS) if number / 2 not in numbers]
    found = coverage([b - a for a, b in itertools.pairwise(kept)], EVERY_S)
    assert found == pytest.approx(1 - lost / 600)
    assert ("% of the readings came" in _why(kept)) == (lost > 30)


def test_every_second_reading_lost_is_no_slow_pace() -> None:
    assert "50.0% of the readings came" in _why(STAMPS[::2])


@pytest.mark.parametrize(
    ("stamps", "start_s", "end_s", "said"),
    [
        ([], 0.0, 1.0, "no readings on both sides"),
        ([0.0], 0.0, 1.0, "no readings on both sides"),
        (STAMPS[:11], 0.0, 1.05, "no readings on both sides"),
        (STAMPS[1:12], 0.05, 1.0, "no readings on both sides"),
        (STAMPS, 1.0, 1.0, "no duration"),
    ],
)
def test_edges_need_readings(stamps: list[float], start_s: float, end_s: float, said: str) -> None:
    assert said in _why(stamps, start_s, end_s)


def test_a_void_window_has_none_and_never_zero() -> None:
    trace = Trace(("A",), ("A",))
    for at_s in STAMPS[:100] + STAMPS[110:]:
        trace.append(Reading(at_s, {"A": 1000.0}, {}))
    total = Total(("A",), "module")
    found = cut(trace, 0.0, 60.0, sensor="ina", interval_s=EVERY_S, total=total)
    assert found.is_void
    figures = (found.energy_j, found.mean_w, found.peak_w, found.rails_mw, found.total_mw)
    assert figures == (None,) * 5
    assert (found.scope, found.samples) == (None, 591)
    outside = cut(trace, 20.0, 60.0, sensor="ina", interval_s=EVERY_S, total=total)
    assert outside.energy_j == pytest.approx(40.0)
