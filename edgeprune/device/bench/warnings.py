"""Why a measurement may not hold, in the words of who has to repeat it."""

from __future__ import annotations

import statistics
from typing import Mapping, Sequence

from edgeprune.device.bench.conditions import Conditions
from edgeprune.device.bench.steady import WarmUp

_SCATTER = 0.05  # of the repeats' medians
_DRIFT = 0.03  # from the first half of the repeats to the second
_CLOCK = 0.05
_BUSY = 0.5  # runnable tasks beside this process's own
_PREEMPTED_HZ = 20.0


def warnings_of(
    before: Conditions,
    after: Conditions,
    warm: WarmUp,
    medians_ms: Mapping[str, Sequence[float]],
    seconds: float,
    during: Sequence[Conditions] = (),
) -> list[str]:
    """One line for each reason.

    Args:
        before: the measurement.
        after: it.
        warm: how warming up went.
        medians_ms: of every model, one a repeat.
        seconds: that the measurement took.
        during: looks under load.
    """
    found = []
    if not warm.settled:
        found.append(
            f"the latency did not stand still after {warm.seconds:.0f} s of warming up: the "
            "machine is busy or its clock changes; take a longer warm-up"
        )
    found += _machine(before, after, seconds)
    found += _board(before, after, during)
    for name, medians in medians_ms.items():
        found += _model(name, medians)
    return found


def _machine(before: Conditions, after: Conditions, seconds: float) -> list[str]:
    found = []
    if before.load_average is not None and before.load_average > _BUSY:
        found.append(
            f"a load of {before.load_average:.1f} in the minute before the measurement: unless it "
            "was the export or the build, other work runs on this machine; end it and measure again"
        )
    taken = (after.preempted - before.preempted) / seconds
    if taken > _PREEMPTED_HZ:
        found.append(
            f"other tasks took the core {taken:.0f} times a second; use fewer --threads or end them"
        )
    if before.throttled is not None and after.throttled is not None:
        slowed = after.throttled - before.throttled
        if slowed:
            found.append(f"the processor throttled {slowed} times: it is too hot; use --pause")
    moved = cpu_clock_moved(before, after)
    if moved:
        found.append(
            f"the clock went from {moved[0]} to {moved[1]} MHz: fix it (governor performance) or "
            "take more repeats"
        )
    return found


def gpu_clock_moved(before: Conditions, after: Conditions) -> tuple[int, int] | None:
    """The GPU's clocks in MHz, where they are further apart than a measurement allows."""
    return _moved(before.gpu_mhz, after.gpu_mhz)


def cpu_clock_moved(before: Conditions, after: Conditions) -> tuple[int, int] | None:
    """The same of the fastest core."""
    return _moved(before.mhz and before.mhz[1], after.mhz and after.mhz[1])


def _moved(before_mhz: int | None, after_mhz: int | None) -> tuple[int, int] | None:
    if not before_mhz or not after_mhz or abs(after_mhz / before_mhz - 1) <= _CLOCK:
        return None
    return before_mhz, after_mhz


def _board(before: Conditions, after: Conditions, during: Sequence[Conditions]) -> list[str]:
    found = []
    alerts = {alert for look in (before, *during, after) for alert in look.alerts}
    if alerts:
        found.append(
            f"the board throttled ({', '.join(sorted(alerts))}): it is too hot; cool it, or use "
            "--pause"
        )
    if before.over_current is not None and after.over_current is not None:
        events = after.over_current - before.over_current
        if events:
            found.append(
                f"the board throttled itself {events} times because a rail drew too much: use a "
                "lower power mode (nvpmodel) or a stronger supply"
            )
    for one, other in zip(during, during[1:]):
        moved = gpu_clock_moved(one, other)
        if moved:
            found.append(
                f"the GPU's clock went from {moved[0]} to {moved[1]} MHz under load: fix it with "
                "jetson_clocks (--lock-clocks)"
            )
            break
    if before.power_mode != after.power_mode:
        found.append(
            f"the power mode went from {before.power_mode} to {after.power_mode}: measure again"
        )
    return found


def _model(name: str, medians: Sequence[float]) -> list[str]:
    found = []
    scatter = (max(medians) - min(medians)) / statistics.median(medians)
    if scatter > _SCATTER:
        found.append(f"{name}: the medians of the repeats scatter by {scatter:.0%}")
    half = len(medians) // 2
    drift = statistics.median(medians[-half:]) / statistics.median(medians[:half]) - 1
    if half > 1 and abs(drift) > _DRIFT:
        way = "slower" if drift > 0 else "faster"
        found.append(
            f"{name}: the second half of the repeats is {abs(drift):.0%} {way} than the first"
        )
    return found
