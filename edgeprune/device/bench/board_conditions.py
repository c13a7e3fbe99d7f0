"""How a Jetson stands: its GPU's clock, its fan, what slowed it down."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from edgeprune.device.bench.system_files import number_in, text_in

_DEVFREQ = "sys/class/devfreq"
# `57000000.gpu`, `17000000.gp10b`, `17000000.gv11b`, `17000000.ga10b`, `gpu-gpc-0`
_GPUS = ("*gpu*", "*.gp10b", "*.gv11b", "*.ga10b")
_ANSWER_S = 5.0


def gpu_mhz(root: Path) -> int | None:
    """The highest clock of a GPU now."""
    hertz = [number_in(folder / "cur_freq") for folder in _gpu_folders(root)]
    known = [value // 1_000_000 for value in hertz if value is not None]
    return max(known) if known else None


def gpu_governor(root: Path) -> str | None:
    """Of the GPU's clock."""
    told = [text_in(folder / "governor") for folder in _gpu_folders(root)]
    return next((text for text in told if text), None)


def over_current_events(root: Path) -> int | None:
    """Times that a rail drew too much and the board throttled itself, since it started."""
    found = [number_in(path) for path in root.glob("sys/class/hwmon/*/oc*_event_cnt")]
    known = [count for count in found if count is not None]
    return sum(known) if known else None


def throttle_alerts(root: Path) -> tuple[str, ...]:
    """Cooling devices that throttle now, such as `cpu-throttle-alert`."""
    found = []
    for path in sorted(root.glob("sys/class/thermal/cooling_device*/type")):
        name = text_in(path) or ""
        if name.endswith("-alert") and number_in(path.with_name("cur_state")):
            found.append(name)
    return tuple(found)


def fan_pwm(root: Path) -> int | None:
    """How fast the fan is told to turn, of 255."""
    paths = [*root.glob("sys/class/hwmon/*/pwm1"), root / "sys/devices/pwm-fan/target_pwm"]
    found = [number_in(path) for path in paths]
    known = [value for value in found if value is not None]
    return max(known) if known else None


def power_mode() -> str | None:
    """What `nvpmodel -q` calls it, such as `MAXN`; None where there is no such program."""
    program = shutil.which("nvpmodel")
    if program is None:
        return None
    try:
        ended = subprocess.run(
            [program, "-q"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_S,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in ended.stdout.splitlines():
        head, _, mode = line.partition(":")
        if head.strip().endswith("Power Mode"):
            return mode.strip() or None
    return None


def _gpu_folders(root: Path) -> list[Path]:
    return sorted({path for pattern in _GPUS for path in (root / _DEVFREQ).glob(pattern)})
