"""Requests one after the other, and requests that are due at fixed times."""

from __future__ import annotations

import time

import numpy as np

from edgeprune.device.bench.load import as_fast_as_possible, at_a_rate
from edgeprune.device.bench.steady import is_steady, warm_up


class _Sleeper:
    """A model that takes its time, and counts."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        time.sleep(self.seconds)


def test_every_request_but_the_first_is_timed() -> None:
    model = _Sleeper(0.002)
    turn = as_fast_as_possible(model, 0.05)
    assert len(turn.latency_ms) == model.calls - 1
    assert turn.latency_ms.min() >= 2
    assert np.isclose(turn.busy_s, turn.latency_ms.sum() / 1e3)


def test_a_slow_model_gets_its_requests_all_the_same() -> None:
    assert len(as_fast_as_possible(_Sleeper(0.01), 1e-4).latency_ms) == 3


def test_a_rate_is_kept_by_waiting() -> None:
    model = _Sleeper(0.0)
    started = time.monotonic()
    turn = at_a_rate(model, 0.1, 200)
    assert time.monotonic() - started >= 0.09
    assert len(turn.latency_ms) == 20
    assert turn.busy_s < 0.1


def test_what_is_due_while_another_runs_waits_and_that_counts() -> None:
    """Of requests that take 5 ms and are due every millisecond, each waits for those before."""
    turn = at_a_rate(_Sleeper(0.005), 0.01, 1000)
    assert turn.late == len(turn.latency_ms) - 1
    assert np.all(np.diff(turn.latency_ms) >= 4 - 0.01)


def test_a_rate_that_cannot_be_kept_does_not_take_forever() -> None:
    model = _Sleeper(0.005)
    turn = at_a_rate(model, 0.02, 100_000)  # 2,000 requests would be due
    assert 3 <= len(turn.latency_ms) < 100
    assert turn.late == len(turn.latency_ms) - 1


def test_steady_are_three_alike_in_a_row_of_every_model() -> None:
    assert not is_steady([[1.0], [1.0]])
    assert is_steady([[9.0], [1.0], [1.01], [1.02]])
    assert not is_steady([[1.0], [1.01], [1.03]])
    assert not is_steady([[1.0, 1.0], [1.0, 1.2], [1.0, 1.0]])


def test_warming_up_ends_in_any_case() -> None:
    went = warm_up([_Sleeper(0.001)], most_s=0.3)
    assert went.settled or went.seconds >= 0.3
