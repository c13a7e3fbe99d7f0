"""One rail of a power monitor."""

from __future__ import annotations

from typing import Callable, NamedTuple

NOT_CONNECTED = "NC"


class Channel(NamedTuple):
    """A rail, and how to ask for its power.

    Attributes:
        rail: its name.
        monitor: address of the chip on its bus, such as `1-0040`.
        read_mw: milliwatts now; raises SensorError.
    """

    rail: str
    monitor: str
    read_mw: Callable[[], float]
