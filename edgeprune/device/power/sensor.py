"""What every power sensor has in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from threading import Event
from types import TracebackType
from typing import Iterator, Mapping, NamedTuple

from edgeprune.device.errors import DeviceUnsupportedError


class SensorError(DeviceUnsupportedError):
    """A sensor that is absent, or that stopped answering; exit code 5."""


class Reading(NamedTuple):
    """What a sensor said at one moment.

    Attributes:
        at_s: monotonic seconds.
        rails_mw: power of each rail now, in milliwatts; empty where the sensor only counts energy.
        counters_j: energy of each rail since the sensor was opened, in joules; empty where it does
            not count.
    """

    at_s: float
    rails_mw: Mapping[str, float]
    counters_j: Mapping[str, float]


@dataclass(frozen=True)
class Total:
    """Which rails add up to the whole, and of what.

    Attributes:
        rails: to add up; empty where there is no total.
        scope: what they are the whole of; None where there is no total.
        reason: why there is none, one line.
    """

    rails: tuple[str, ...]
    scope: str | None
    reason: str = ""


class Sensor(ABC):
    """A source of readings; a context manager, open inside.

    Args:
        interval_s: how often it is read.

    Attributes:
        name: what the user calls it by.
        paces_itself: whether readings come when the sensor sends them, not when it is asked.
        rails: what it measures; known once it is open.
        total: which of them are the whole; known once it is open.
        notes: what else to know of its figures.
    """

    name: str
    paces_itself = False

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.rails: tuple[str, ...] = ()
        self.total = Total((), None, "the sensor was never opened")
        self.notes: tuple[str, ...] = ()

    @abstractmethod
    def open(self) -> None:
        """Find the rails, and read each of them once.

        Raises:
            SensorError: it is absent or does not answer; it is then closed again.
        """

    @abstractmethod
    def read(self) -> Reading:
        """Every rail, now.

        Raises:
            SensorError: one of them did not answer.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what `open` took; harmless when it took nothing."""

    def readings(self, ending: Event) -> Iterator[Reading]:
        """One reading each interval; after `ending` is set, one more.

        Raises:
            SensorError: the sensor stopped answering.
        """
        due_s = time.monotonic()
        while True:
            is_last = ending.is_set()
            yield self.read()
            if is_last:
                return
            due_s = max(due_s + self.interval_s, time.monotonic())
            ending.wait(due_s - time.monotonic())

    def __enter__(self) -> Sensor:
        """Open it, where it is not yet."""
        if not self.rails:
            self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()
