"""What a machine is and how it stands: clocks, load, temperature, throttling."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import dataclass
from pathlib import Path

from edgeprune.device.bench import board_conditions
from edgeprune.device.bench.system_files import number_in, text_in
from edgeprune.device.probe.board_model import board_model
from edgeprune.device.root import system_root


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
        board: its name; None where there is no device tree.
        l4t: first line of a Jetson's release.
        power_mode: of a Jetson.
        gpu_mhz: a Jetson's GPU's clock now.
        gpu_governor: of that clock.
        fan_pwm: how fast the fan is told to turn, of 255.
        over_current: times that a rail drew too much and the board throttled, since it started.
        alerts: cooling devices of a board that throttle now.
    """

    cpu: str
    cores: int
    governor: str | None
    mhz: tuple[int, int] | None
    load_average: float | None
    hottest_c: float | None
    throttled: int | None
    preempted: int
    board: str | None = None
    l4t: str | None = None
    power_mode: str | None = None
    gpu_mhz: int | None = None
    gpu_governor: str | None = None
    fan_pwm: int | None = None
    over_current: int | None = None
    alerts: tuple[str, ...] = ()


def look(root: Path | None = None, *, brief: bool = False) -> Conditions:
    """The machine as it is now.

    Args:
        root: where `proc` and `sys` hang; None for `system_root()`.
        brief: ask files only, and no program for the power mode.
    """
    root = root or system_root()
    release = text_in(root / "etc/nv_tegra_release")
    system = root / "sys/devices/system/cpu"
    return Conditions(
        cpu=_cpu_name(root / "proc/cpuinfo"),
        cores=len(os.sched_getaffinity(0)),
        governor=text_in(system / "cpu0/cpufreq/scaling_governor"),
        mhz=_clocks(system),
        load_average=_load(root),
        hottest_c=hottest_c(root),
        throttled=_throttled(system),
        preempted=resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
        board=board_model(root).model or None,
        l4t=release.splitlines()[0] if release else None,
        power_mode=None if brief else board_conditions.power_mode(),
        gpu_mhz=board_conditions.gpu_mhz(root),
        gpu_governor=board_conditions.gpu_governor(root),
        fan_pwm=board_conditions.fan_pwm(root),
        over_current=board_conditions.over_current_events(root),
        alerts=board_conditions.throttle_alerts(root),
    )


def _cpu_name(cpuinfo: Path) -> str:
    for line in (text_in(cpuinfo) or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def _clocks(system: Path) -> tuple[int, int] | None:
    found = [number_in(path) for path in system.glob("cpu[0-9]*/cpufreq/scaling_cur_freq")]
    known = [kilohertz // 1000 for kilohertz in found if kilohertz is not None]
    return (min(known), max(known)) if known else None


def _load(root: Path) -> float | None:
    try:
        return float((text_in(root / "proc/loadavg") or "").split()[0])
    except (ValueError, IndexError):
        return None


def hottest_c(root: Path) -> float | None:
    """Temperature of the hottest thermal zone.

    Without the power supply's chip, whose zone shows the same on many boards, 100 °C, however cool
    they are.
    """
    zones = (root / "sys/class/thermal").glob("thermal_zone*")
    found = [
        number_in(zone / "temp")
        for zone in zones
        if not (text_in(zone / "type") or "").startswith("PMIC")
    ]
    known = [thousandths / 1000 for thousandths in found if thousandths is not None]
    return max(known) if known else None


def _throttled(system: Path) -> int | None:
    found = [
        number_in(path) for path in system.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    ]
    known = [count for count in found if count is not None]
    return sum(known) if known else None
