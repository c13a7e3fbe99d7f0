"""A window cut out of a trace."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from edgeprune.device.power.result import PowerResult, void
from edgeprune.device.power.sensor import Total
from edgeprune.device.power.trace import Position, RailTrace, Trace
from edgeprune.device.power.validity import why_void

_APART = 0.05  # between a counter and the integrated power, beyond which it is told


def cut(
    trace: Trace,
    start_s: float,
    end_s: float,
    *,
    sensor: str,
    interval_s: float,
    total: Total,
    notes: tuple[str, ...] = (),
) -> PowerResult:
    """Power and energy between two moments, interpolated at both.

    Args:
        trace: readings of the sensor.
        start_s: monotonic seconds.
        end_s: monotonic seconds.
        sensor: its name.
        interval_s: between readings as asked for.
        total: which rails are the whole.
        notes: what else to know of the sensor's figures.
    """
    at_s = trace.at_s
    inside = at_s[bisect_left(at_s, start_s) : bisect_right(at_s, end_s)]
    samples = len(inside)
    around = at_s[max(0, bisect_right(at_s, start_s) - 1) : bisect_left(at_s, end_s) + 1]
    reason = why_void(around, start_s, end_s, interval_s)
    seconds = end_s - start_s
    if reason:
        return void(sensor, seconds, samples, reason)
    first, last = trace.position(start_s), trace.position(end_s)
    whole = trace.total
    energy_j = None if whole is None else _joules(whole, first, last)
    return PowerResult(
        sensor=sensor,
        scope=total.scope,
        duration_s=seconds,
        samples=samples,
        rate_hz=(samples - 1) / (inside[-1] - inside[0]) if samples > 1 else samples / seconds,
        energy_j=energy_j,
        mean_w=None if energy_j is None else energy_j / seconds,
        peak_w=None if whole is None else whole.peak_mw(first, last) / 1000,
        rails_mw={
            rail: 1000 * _joules(column, first, last) / seconds
            for rail, column in trace.rails.items()
        },
        total_mw=None if energy_j is None else 1000 * energy_j / seconds,
        reason=total.reason,
        notes=(*notes, *_cross_check(whole, first, last)),
    )


def _joules(column: RailTrace, first: Position, last: Position) -> float:
    return column.energy_at(last) - column.energy_at(first)


def _cross_check(whole: RailTrace | None, first: Position, last: Position) -> list[str]:
    """What the integral of the power says of the counter, where there are both."""
    if whole is None or not whole.counter_j or not whole.integral_j:
        return []
    counted = _joules(whole, first, last)
    integral = whole.integral_at(last) - whole.integral_at(first)
    if abs(integral - counted) <= _APART * max(counted, integral):
        return []
    return [
        f"the energy counter says {counted:.4g} J, its power integrated {integral:.4g} J: "
        "the load changes faster than it is read, or the window is short"
    ]
