"""Power and energy of whatever runs in a with statement."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from edgeprune.device.power.choose import AUTO, DEFAULT_INTERVAL_MS, open_sensor
from edgeprune.device.power.recorder import Recorder, Row
from edgeprune.device.power.result import PowerResult, void
from edgeprune.device.power.sensor import Sensor, SensorError


def measure(
    sensor: str | Sensor = AUTO,
    interval_ms: float = DEFAULT_INTERVAL_MS,
    *,
    processor: str | None = None,
    required: bool = True,
    root: Path | None = None,
) -> Window:
    """A window around what is to be measured; after the with statement its `result` has figures.

    Args:
        sensor: `auto`, one of `SENSORS`, or one of your own; it is closed afterwards.
        interval_ms: how often it is read; of a sensor given, its own.
        processor: `cpu` or `gpu`, what runs; for `auto` on a PC.
        required: whether entering raises where no sensor answers; else the result carries why.
        root: where `sys` hangs; None for `system_root()`.

    Raises:
        SensorError: on entry, where no sensor answers and one is required; exit code 5.
        UnknownSensorError: on entry: no such sensor, or an interval that is not positive.
    """
    return Window(sensor, interval_ms, processor, required, root)


class Window:
    """Measures between entry and exit; see `measure`.

    Attributes:
        start_s: when it began, monotonic seconds.
    """

    def __init__(
        self,
        sensor: str | Sensor,
        interval_ms: float,
        processor: str | None,
        required: bool,
        root: Path | None,
    ) -> None:
        self._asked = sensor
        self._interval_ms = interval_ms
        self._processor = processor
        self._required = required
        self._root = root
        self._recorder: Recorder | None = None
        self._why_none = "the measurement was never started"
        self._end_s: float | None = None
        self.start_s = 0.0

    def __enter__(self) -> Window:
        """Find the sensor and wait for its first reading, at which the window begins."""
        try:
            sensor = self._open()
        except SensorError as failure:
            if self._required:
                raise
            self._why_none = str(failure)
            self.start_s = time.monotonic()
            return self
        self._recorder = Recorder(sensor)
        self._recorder.__enter__()
        first_s = self._recorder.first_s
        self.start_s = time.monotonic() if first_s is None else first_s
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the window, and the sensor after one more reading."""
        ended_s = time.monotonic()
        if self._recorder is not None:
            self._recorder.finish()
            last_s = self._recorder.last_s
            if last_s is not None and not self._recorder.sensor.paces_itself:
                ended_s = max(ended_s, last_s)  # it was read at the window's end
        self._end_s = ended_s

    @property
    def sensor(self) -> Sensor | None:
        """What measures; None where nothing does."""
        return None if self._recorder is None else self._recorder.sensor

    @property
    def error(self) -> str:
        """Why nothing is measured any more; empty while it is."""
        return self._why_none if self._recorder is None else self._recorder.error

    @property
    def result(self) -> PowerResult:
        """The window so far; the whole of it after exit. Never fails because of a sensor."""
        if self._recorder is None:
            seconds = (self._end_s or time.monotonic()) - self.start_s
            return void("", seconds, 0, self._why_none)
        end_s = self._end_s
        if end_s is None:
            end_s = self._recorder.last_s or self.start_s
        return self._recorder.result(self.start_s, end_s)

    def rows(self, first: int = 0) -> list[Row]:
        """Readings from number `first` on; numbers count from the window's beginning."""
        return [] if self._recorder is None else self._recorder.rows(first)

    def _open(self) -> Sensor:
        if isinstance(self._asked, Sensor):
            return self._asked.__enter__()
        return open_sensor(
            self._asked, self._interval_ms, processor=self._processor, root=self._root
        )
