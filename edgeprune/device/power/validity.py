"""When readings are too few to say what a window's energy was."""

from __future__ import annotations

from typing import Sequence

MOST_INTERVALS = 3.0
LEAST_COVERAGE = 0.95
_SLOWEST_PACE = 1.25  # intervals; a sensor that needs a little longer than asked loses nothing


def why_void(at_s: Sequence[float], start_s: float, end_s: float, interval_s: float) -> str:
    """Why a window does not hold, one line; empty where it does.

    A gap between readings of more than three intervals voids it, and so does more than one reading
    in twenty lost. A gap of two paces has lost one reading, of three two; the pace is the usual
    gap, where that is close to the interval asked for.

    Args:
        at_s: stamps of the readings around and in the window, in order.
        start_s: where it begins.
        end_s: where it ends.
        interval_s: between readings as asked for.
    """
    if end_s <= start_s:
        return "the window has no duration"
    if len(at_s) < 2 or at_s[0] > start_s or at_s[-1] < end_s:
        return f"no readings on both sides of the window ({len(at_s)} in it)"
    gaps = [after - before for before, after in zip(at_s, at_s[1:])]
    longest = max(range(len(gaps)), key=gaps.__getitem__)
    if gaps[longest] > MOST_INTERVALS * interval_s:
        return (
            f"no reading for {gaps[longest]:.3g} s, {at_s[longest] - start_s:.1f} s into the "
            f"window; {MOST_INTERVALS:g} intervals of {interval_s:g} s are the most"
        )
    covered = coverage(gaps, interval_s)
    if covered < LEAST_COVERAGE:
        return (
            f"{covered:.1%} of the readings came; {LEAST_COVERAGE:.0%} are the least: the machine "
            "or the sensor is too busy for this interval, take a longer one"
        )
    return ""


def coverage(gaps: Sequence[float], interval_s: float) -> float:
    """Share of the readings that came, by the gaps between those that did."""
    usual = sorted(gaps)[len(gaps) // 2]
    pace = min(max(usual, interval_s), _SLOWEST_PACE * interval_s)
    lost = sum(max(0, round(gap / pace) - 1) for gap in gaps)
    return len(gaps) / (len(gaps) + lost)
