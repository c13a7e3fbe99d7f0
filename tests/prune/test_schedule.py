"""Schedules as the sizes they lead to."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.errors import UserInputError
from edgeprune.prune.schedule import schedule_progress

NAMES = ["additive", "multiplicative", "cubic", "one_shot"]


@given(
    name=st.sampled_from(NAMES),
    events=st.integers(1, 40),
    rate=st.floats(0.01, 0.99),
    removal=st.floats(0.01, 0.99),
)
def test_progress_rises_to_exactly_one(name, events, rate, removal):
    progress = schedule_progress(name, events=events, rate=rate, removal=removal)
    assert progress[-1] == 1.0
    assert all(0 < a < b for a, b in itertools.pairwise(progress))


def test_additive_steps_are_of_the_original_size():
    progress = schedule_progress("additive", events=99, rate=0.1, removal=0.6)
    assert [round(p * 0.6, 6) for p in progress] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


def test_an_additive_rest_is_the_last_step():
    progress = schedule_progress("additive", events=99, rate=0.25, removal=0.6)
    assert [round(p * 0.6, 6) for p in progress] == [0.25, 0.5, 0.6]


def test_multiplicative_steps_are_of_what_is_left():
    progress = schedule_progress("multiplicative", events=99, rate=0.2, removal=0.6)
    assert [round(1 - p * 0.6, 6) for p in progress] == [0.8, 0.64, 0.512, 0.4096, 0.4]


def test_cubic_follows_its_formula():
    progress = schedule_progress("cubic", events=4, rate=0.5, removal=1.0)
    assert progress == pytest.approx([1 - 0.75**3, 1 - 0.5**3, 1 - 0.25**3, 1.0])


@pytest.mark.parametrize(
    "change", [{"name": "linear"}, {"rate": 0.0}, {"rate": 1.0}, {"removal": 1.0}]
)
def test_bad_settings_are_refused(change):
    values = {"name": "additive", "events": 3, "rate": 0.1, "removal": 0.5, **change}
    with pytest.raises(UserInputError):
        schedule_progress(values.pop("name"), **values)


def test_cubic_needs_an_event():
    with pytest.raises(UserInputError, match="at least 1"):
        schedule_progress("cubic", events=0, rate=0.1, removal=0.5)
