"""A thread that reads a sensor and keeps what it said."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Mapping, NamedTuple

from edgeprune.device.power.cut import cut
from edgeprune.device.power.result import PowerResult, void
from edgeprune.device.power.sensor import Sensor, SensorError
from edgeprune.device.power.trace import Trace

_LEAST_PATIENCE_S = 3.0
_PATIENT_INTERVALS = 10


class Row(NamedTuple):
    """One reading.

    Attributes:
        at_s: monotonic seconds.
        rails_mw: by rail.
        total_mw: None where there is no total.
    """

    at_s: float
    rails_mw: Mapping[str, float]
    total_mw: float | None


class Recorder:
    """Reads a sensor between entry and exit of a with statement.

    Args:
        sensor: open; closed at the end.
    """

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.trace = Trace(sensor.rails, sensor.total.rails)
        self._error = ""
        self._ending = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep, name="power", daemon=True)

    def __enter__(self) -> Recorder:
        """Begin, and wait for the first reading."""
        self._thread.start()
        try:
            self._wait_past(float("-inf"))
        except BaseException:  # interrupted
            self.finish()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take one more reading and end."""
        self.finish()

    @property
    def error(self) -> str:
        """Why the sensor is read no more; empty while it is."""
        return self._error

    @property
    def first_s(self) -> float | None:
        """When the first reading was; None where there is none."""
        return self.trace.at_s[0] if len(self.trace) else None

    @property
    def last_s(self) -> float | None:
        """When the latest reading was; None where there is none."""
        with self._changed:
            return self.trace.at_s[-1] if len(self.trace) else None

    def finish(self) -> None:
        """Take one more reading and end; a sensor that hangs is left behind."""
        self._ending.set()
        if not self._thread.is_alive():
            return
        self._thread.join(self._patience_s)
        if self._thread.is_alive():
            self._fail(f"{self.sensor.name} did not answer for {self._patience_s:.0f} s")

    def result(self, start_s: float, end_s: float) -> PowerResult:
        """A window; waits until the readings reach past it.

        Args:
            start_s: monotonic seconds.
            end_s: monotonic seconds, not in the future.
        """
        self._wait_past(end_s)
        sensor = self.sensor
        with self._changed:
            if self._error and not self._reaches(end_s):
                return void(sensor.name, end_s - start_s, len(self.trace), self._error)
            return cut(
                self.trace,
                start_s,
                end_s,
                sensor=sensor.name,
                interval_s=sensor.interval_s,
                total=sensor.total,
                notes=sensor.notes,
            )

    def rows(self, first: int) -> list[Row]:
        """Readings from number `first` on; what only counts energy has none at its first."""
        with self._changed:
            trace = self.trace
            counts_only = bool(len(trace)) and not any(
                column.integral_j for column in trace.rails.values()
            )
            return [self._row(number) for number in range(first + counts_only, len(trace))]

    def _row(self, number: int) -> Row:
        trace = self.trace
        return Row(
            trace.at_s[number],
            {rail: column.power_mw[number] for rail, column in trace.rails.items()},
            None if trace.total is None else trace.total.power_mw[number],
        )

    def _keep(self) -> None:
        try:
            for reading in self.sensor.readings(self._ending):
                with self._changed:
                    if self._error:
                        break
                    self.trace.append(reading)
                    self._changed.notify_all()
        except SensorError as failure:
            self._fail(str(failure))
        except Exception as failure:  # a bug must void the window, not leave it waiting
            self._fail(f"{self.sensor.name}: {type(failure).__name__}: {failure}")
        finally:
            self.sensor.close()

    def _fail(self, why: str) -> None:
        with self._changed:
            self._error = self._error or why
            self._changed.notify_all()

    def _reaches(self, moment_s: float) -> bool:
        return bool(len(self.trace)) and self.trace.at_s[-1] >= moment_s

    def _wait_past(self, moment_s: float) -> None:
        with self._changed:
            came = self._changed.wait_for(
                lambda: bool(self._error) or self._reaches(moment_s) or self._is_over(),
                self._patience_s,
            )
        if not came:
            self._fail(f"{self.sensor.name} did not answer for {self._patience_s:.0f} s")

    def _is_over(self) -> bool:
        return not self._thread.is_alive()

    @property
    def _patience_s(self) -> float:
        return max(_LEAST_PATIENCE_S, _PATIENT_INTERVALS * self.sensor.interval_s)
