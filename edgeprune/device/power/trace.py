"""What a sensor said over time, and the energy between any two moments of it.

Power between two readings runs straight from one to the other, so that its energy is the trapezoid
over the real stamps. A counter's energy is the counter's.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import NamedTuple, Sequence

from edgeprune.device.power.sensor import Reading


class Position(NamedTuple):
    """A moment: `share` of the way from a reading, by its number, to the next."""

    reading: int
    share: float


class RailTrace:
    """One rail, or the sum of some.

    Attributes:
        power_mw: at each reading; of a rail that only counts, the mean since the reading before.
        integral_j: of the power since the first reading; empty for a rail that only counts.
        counter_j: at each reading; empty where nothing counts.
    """

    def __init__(self) -> None:
        self.power_mw = array("d")
        self.integral_j = array("d")
        self.counter_j = array("d")

    def append(self, gap_s: float, power_mw: float | None, counter_j: float | None) -> None:
        """Add a reading, `gap_s` after the one before."""
        if counter_j is not None:
            if power_mw is None:
                self.power_mw.append(self._mean_mw(gap_s, counter_j))
            self.counter_j.append(counter_j)
        if power_mw is not None:
            before = self.integral_j[-1] if self.integral_j else 0.0
            edge_mw = self.power_mw[-1] if self.power_mw else power_mw
            self.integral_j.append(before + (edge_mw + power_mw) / 2000 * gap_s)
            self.power_mw.append(power_mw)

    def power_at(self, at: Position) -> float:
        """Milliwatts."""
        index, share = at
        power = self.power_mw
        if not share:
            return power[index]
        if not self.integral_j:
            return power[index + 1]
        return power[index] + share * (power[index + 1] - power[index])

    def energy_at(self, at: Position) -> float:
        """Joules since the first reading."""
        if self.counter_j:
            return _between(self.counter_j, at)
        return self.integral_at(at)

    def integral_at(self, at: Position) -> float:
        """Joules since the first reading, by the power alone."""
        index, share = at
        whole = self.integral_j[index]
        if not share:
            return whole
        rest_j = self.integral_j[index + 1] - whole
        sum_mw = self.power_mw[index] + self.power_mw[index + 1]
        if not sum_mw:
            return whole
        return whole + rest_j * share * (self.power_mw[index] + self.power_at(at)) / sum_mw

    def peak_mw(self, first: Position, last: Position) -> float:
        """Highest power at a reading or an edge; of a counter, highest mean between readings."""
        if self.integral_j:
            inside = self.power_mw[first.reading + 1 : last.reading + 1]
            return max((self.power_at(first), *inside, self.power_at(last)))
        end = last.reading + (1 if last.share else 0)
        return max(self.power_mw[first.reading + 1 : end + 1])

    def _mean_mw(self, gap_s: float, counter_j: float) -> float:
        if not self.counter_j or gap_s <= 0:
            return self.power_mw[-1] if self.power_mw else float("nan")
        return 1000 * (counter_j - self.counter_j[-1]) / gap_s


class Trace:
    """All readings of a sensor.

    Args:
        rails: of the sensor.
        total_rails: that add up to the whole; none where there is no total.
    """

    def __init__(self, rails: Sequence[str], total_rails: Sequence[str]) -> None:
        self.at_s = array("d")
        self.rails = {rail: RailTrace() for rail in rails}
        self.total = RailTrace() if total_rails else None
        self._total_rails = tuple(total_rails)

    def __len__(self) -> int:
        return len(self.at_s)

    def append(self, reading: Reading) -> None:
        """Add a reading, later than those before."""
        gap_s = reading.at_s - self.at_s[-1] if self.at_s else 0.0
        power, counters = reading.rails_mw, reading.counters_j
        for rail, column in self.rails.items():
            column.append(gap_s, power.get(rail), counters.get(rail))
        if self.total is not None:
            rails = self._total_rails
            self.total.append(
                gap_s,
                sum(power[rail] for rail in rails) if power else None,
                sum(counters[rail] for rail in rails) if counters else None,
            )
        self.at_s.append(reading.at_s)

    def position(self, moment_s: float) -> Position:
        """Where a moment between the first and the last reading lies."""
        at_s = self.at_s
        index = min(bisect_right(at_s, moment_s), len(at_s)) - 1
        if index + 1 >= len(at_s) or at_s[index] == moment_s:
            return Position(index, 0.0)
        return Position(index, (moment_s - at_s[index]) / (at_s[index + 1] - at_s[index]))


def _between(values: Sequence[float], at: Position) -> float:
    index, share = at
    if not share:
        return values[index]
    return values[index] + share * (values[index + 1] - values[index])
