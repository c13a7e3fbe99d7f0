"""When a run removes how much: progress towards the target after each pruning event.

Progress is the share of the wanted removal that is reached: 0 at the original size, 1 at the
target. Schedules driven by a rate decide their own number of events; the others are given one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from edgeprune.errors import UserInputError

ScheduleName = Literal["additive", "multiplicative", "cubic", "one_shot"]
_EXACT = 1e-9  # 0.6 / 0.1 is 5.999...: six events, not seven


class Schedule(Protocol):
    """A way to spread a removal over events."""

    def progress(self) -> tuple[float, ...]:
        """Progress after each event, ascending; the last is 1."""


@dataclass(frozen=True)
class Additive:
    """Each event removes `rate` of the original size (arXiv 2401.10484); the last what is left."""

    rate: float
    removal: float

    def progress(self) -> tuple[float, ...]:
        """Progress after each of the ceil(removal / rate) events."""
        events = max(1, math.ceil(self.removal / self.rate - _EXACT))
        gone = (min(1.0, i * self.rate / self.removal) for i in range(1, events))
        return (*gone, 1.0)


@dataclass(frozen=True)
class Multiplicative:
    """Each event removes `rate` of what is left (Frankle & Carbin, ICLR 2019)."""

    rate: float
    removal: float

    def progress(self) -> tuple[float, ...]:
        """Progress after each event until at most `1 - removal` is left."""
        left = 1.0 - self.removal
        events = max(1, math.ceil(math.log(left) / math.log(1.0 - self.rate) - _EXACT))
        gone = [1.0 - (1.0 - self.rate) ** i for i in range(1, events)]
        return (*(share / self.removal for share in gone), 1.0)


@dataclass(frozen=True)
class Cubic:
    """Fast at first, then ever slower: 1 - (1 - t)^3 (Zhu & Gupta, arXiv 1710.01878, eq. 1)."""

    events: int

    def progress(self) -> tuple[float, ...]:
        """Progress at t = 1/events, 2/events, ... 1."""
        return (*(1.0 - (1.0 - i / self.events) ** 3 for i in range(1, self.events)), 1.0)


@dataclass(frozen=True)
class OneShot:
    """Everything at once."""

    def progress(self) -> tuple[float, ...]:
        """One event."""
        return (1.0,)


def make_schedule(name: str, *, events: int, rate: float, removal: float) -> Schedule:
    """The schedule called `name`.

    Args:
        name: `additive`, `multiplicative`, `cubic` or `one_shot`.
        events: number of events, for `cubic`.
        rate: share removed per event, in (0, 1), for the schedules driven by a rate.
        removal: share of the original size that is to go in all, in (0, 1), for the same.

    Raises:
        UserInputError: an unknown name, or a number out of range.
    """
    if name == "one_shot":
        return OneShot()
    if name == "cubic":
        if events < 1:
            raise UserInputError(f"schedule 'cubic': {events} events; at least 1 is needed")
        return Cubic(events)
    if name not in ("additive", "multiplicative"):
        raise UserInputError(
            f"unknown schedule '{name}': use additive, multiplicative, cubic or one_shot"
        )
    for setting, value in (("rate", rate), ("removal", removal)):
        if not 0.0 < value < 1.0:
            raise UserInputError(
                f"schedule '{name}': {setting} {value:g} is out of range; "
                "give a share above 0 and below 1"
            )
    return Additive(rate, removal) if name == "additive" else Multiplicative(rate, removal)


def schedule_progress(name: str, *, events: int, rate: float, removal: float) -> tuple[float, ...]:
    """Progress after each event of the schedule called `name` (see `make_schedule`)."""
    return make_schedule(name, events=events, rate=rate, removal=removal).progress()
