"""The thread that reads: stalls, failures, and windows cut while it runs."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from edgeprune.device.power import Reading, Sensor, SensorError, Total, measure
from edgeprune.device.power import recorder as recording
from edgeprune.device.power.recorder import Recorder


class _Steady(Sensor):
    """2 W on one rail, until it is told to do something else.

    It is read more often than it says, so that a busy machine makes no gap.
    """

    name = "steady"

    def __init__(self, interval_s: float = 0.2) -> None:
        super().__init__(interval_s)
        self.then = lambda: None
        self.closed = 0

    def open(self) -> None:
        self.rails, self.total = ("A",), Total(("A",), "module")

    def read(self) -> Reading:
        self.then()
        return Reading(time.monotonic(), {"A": 2000.0}, {})

    def readings(self, ending: threading.Event) -> Iterator[Reading]:
        while not ending.wait(0.005):
            yield self.read()
        yield self.read()

    def close(self) -> None:
        self.closed += 1


def test_windows_are_cut_while_it_runs() -> None:
    with _Steady() as sensor, Recorder(sensor) as recorder:
        moments = []
        for _ in range(3):
            time.sleep(0.05)
            moments.append(time.monotonic())
        found = [recorder.result(a, b) for a, b in itertools.pairwise(moments)]
    assert [window.mean_w for window in found] == pytest.approx([2.0, 2.0])
    assert sensor.closed


def test_the_window_so_far_and_its_rows() -> None:
    with measure(_Steady()) as window:
        while len(window.rows()) < 2:
            time.sleep(0.01)
        rows = window.rows()
        assert len(rows) >= 2
        assert rows[0].total_mw == 2000.0
        assert rows[0].at_s == window.start_s
        assert window.rows(len(rows) - 1)[0] == rows[-1]
        assert window.result.samples >= 2
    assert len(window.rows()) > len(rows)
    assert window.sensor is not None
    assert window.error == ""


def test_a_sensor_that_hangs_voids_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_LEAST_PATIENCE_S", 0.1)
    released, sensor = threading.Event(), _Steady(0.01)
    with measure(sensor) as window:
        sensor.then = released.wait  # type: ignore[assignment]
        time.sleep(0.05)
    assert window.result.is_void
    assert "steady did not answer for 0 s" in window.result.reason
    released.set()


@pytest.mark.parametrize("failure", [SensorError("the rail is gone"), ValueError("a bug")])
def test_what_a_sensor_raises_voids_the_window(failure: Exception) -> None:
    sensor = _Steady()

    def fail() -> None:
        raise failure

    with measure(sensor) as window:
        sensor.then = fail
        while not window.error:
            time.sleep(0.01)
    assert window.result.is_void
    assert str(failure) in window.result.reason
    assert sensor.closed


def test_a_window_before_the_failure_holds() -> None:
    sensor = _Steady()
    with sensor, Recorder(sensor) as recorder:
        start_s = time.monotonic()
        time.sleep(0.05)
        end_s = time.monotonic()
        recorder.result(start_s, end_s)  # waits for a reading after it
        sensor.then = _fail
        while not recorder.error:
            time.sleep(0.01)
        found = recorder.result(start_s, end_s)
    assert found.mean_w == pytest.approx(2.0)
    assert recorder.result(start_s, time.monotonic()).is_void


def _fail() -> None:
    raise SensorError("gone")
