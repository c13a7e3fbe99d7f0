"""Power sensors that answer a read, not just exist."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.rapl import PackageCounter, find_packages
from edgeprune.report.doctor.finding import Finding

# Rails by driver; JetPack 4 has them under iio, later releases under hwmon.
_RAILS = (
    "sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in[123]_label",
    "sys/bus/i2c/drivers/ina238/*/hwmon/hwmon*/power1_input",
    "sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*",
)


def examine_sensors(
    root: Path = Path("/"), load: Callable[[str], Any] = ctypes.CDLL
) -> Iterator[Finding]:
    """RAPL of x86 processors, NVML of discrete GPUs, INA monitors of boards.

    Args:
        root: where `sys` hangs.
        load: opens a library; raises OSError where there is none.
    """
    yield _rapl(root)
    yield _nvml(load)
    yield _ina(root)


def _rapl(root: Path) -> Finding:
    try:
        folders = find_packages(root / "sys/class/powercap")
        for folder in folders:
            PackageCounter(folder)
    except DeviceUnsupportedError as failure:
        return Finding("sensors", "RAPL", "missing", str(failure),
                       "without it, CPU energy is reported as null")  # fmt: skip
    return Finding("sensors", "RAPL", "ok", f"{len(folders)} CPU package(s)")


def _nvml(load: Callable[[str], Any]) -> Finding:
    try:
        library = load("libnvidia-ml.so.1")
    except OSError:
        return Finding("sensors", "NVML", "missing", "libnvidia-ml.so.1 is absent",
                       "comes with NVIDIA's driver")  # fmt: skip
    status = library.nvmlInit_v2()
    if status:
        return Finding("sensors", "NVML", "missing", f"answers with error {status}",
                       "check nvidia-smi")  # fmt: skip
    library.nvmlShutdown()
    return Finding("sensors", "NVML", "ok", "answers; whether it tells power shows on a read")


def _ina(root: Path) -> Finding:
    paths = [path for pattern in _RAILS for path in sorted(root.glob(pattern))]
    if not paths:
        return Finding("sensors", "INA", "missing", "no INA3221 or INA238 monitor",
                       "these are on Jetson boards")  # fmt: skip
    named = [rail for rail in map(_answer, paths) if rail not in ("", "NC")]
    if not named:
        return Finding("sensors", "INA", "missing", "monitors are there, none can be read",
                       "run as root")  # fmt: skip
    labels = [rail for rail in named if not rail.isdigit()]
    return Finding("sensors", "INA", "ok", ", ".join(labels) or f"{len(named)} rail(s)")


def _answer(path: Path) -> str:
    """What a file holds; empty for unconnected channels, which answer with EIO."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
