"""What a machine is and how it stands: clocks, load, temperature, throttling."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")


@dataclass(frozen=True)
class Conditions:
    """One look at a machine; None where it does not tell.

    Attributes:
        cpu: the processor's name.
        cores: that this process may use.
        governor: of the clock of the first core.
        mhz: the clocks of these cores now, lowest and highest.
        load_average: runnable tasks over the last minute.
        hottest_c: the hottest thermal zone.
        throttled: times that a core was slowed down since the machine started.
        preempted: times that another task took this process's core since it started.
    """

    cpu: str
    cores: int
    governor: str | None
    mhz: tuple[int, int] | None
    load_average: float | None
    hottest_c: float | None
    throttled: int | None
    preempted: int


def look(root: Path = ROOT) -> Conditions:
    """The machine as it is now.

    Args:
        root: where `proc` and `sys` hang.
    """
    system = root / "sys/devices/system/cpu"
    return Conditions(
        cpu=_cpu_name(root / "proc/cpuinfo"),
        cores=len(os.sched_getaffinity(0)),
        governor=_text(system / "cpu0/cpufreq/scaling_governor"),
        mhz=_clocks(system),
        load_average=_load(root),
        hottest_c=_hottest(root),
        throttled=_throttled(system),
        preempted=resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None


def _cpu_name(cpuinfo: Path) -> str:
    for line in (_text(cpuinfo) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def _clocks(system: Path) -> tuple[int, int] | None:
    found = [_number(path) for path in system.glob("cpu[0-9]*/cpufreq/scaling_cur_freq")]
    known = [kilohertz // 1000 for kilohertz in found if kilohertz is not None]
    return (min(known), max(known)) if known else None


def _load(root: Path) -> float | None:
    try:
        return float((_text(root / "proc/loadavg") or "").split()[0])
    except (ValueError, IndexError):
        return None


def _hottest(root: Path) -> float | None:
    found = [_number(path) for path in (root / "sys/class/thermal").glob("thermal_zone*/temp")]
    known = [thousandths / 1000 for thousandths in found if thousandths is not None]
    return max(known) if known else None


def _throttled(system: Path) -> int | None:
    found = [
        _number(path) for path in system.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    ]
    known = [count for count in found if count is not None]
    return sum(known) if known else None
