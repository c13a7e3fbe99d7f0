"""Power monitors in sysfs: `ina3221x` of JetPack 4, `ina3221` from 5 on, and Thor's `ina238`."""

from __future__ import annotations

import os
from pathlib import Path

from board_standin.boards import NC, BoardKind, Rail

DRIVERS = "sys/bus/i2c/drivers"


def write_rails(root: Path, kind: BoardKind) -> dict[str, Path]:
    """Write every monitor.

    Returns:
        The file of each rail whose number makes its power: milliamperes, or the power itself.
    """
    found: dict[str, Path] = {}
    for index, (address, rails) in enumerate(kind.monitors.items()):
        write = _old_monitor if kind.old_layout else _monitor
        found.update(write(root / DRIVERS, address, index, rails))
    if kind.system_input_mw is not None:
        found["VIN"] = _system_input(root, kind.system_input_mw)
    return found


def refuse_reading(path: Path) -> None:
    """Make every read of this file fail with EIO, as the driver does for open inputs."""
    fresh = _beside(path)
    fresh.symlink_to("/proc/self/mem")  # its first page is never mapped
    fresh.replace(path)


def stall_reading(path: Path) -> None:
    """Make every opening of this file wait for good, as a hung bus does."""
    fresh = _beside(path)
    os.mkfifo(fresh)
    fresh.replace(path)


def set_power(path: Path, rail: Rail | None, power_mw: float) -> None:
    """Let a rail show this power; `rail` is None for an INA238."""
    if path.name.startswith("curr") and rail is not None:
        value = round(power_mw * 1000 / rail.voltage_mv)
    else:
        value = round(power_mw * 1000) if path.name == "power1_input" else round(power_mw)
    replace(path, value)


def replace(path: Path, value: object) -> None:
    """Write a value that no reader sees half of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _beside(path)
    fresh.write_text(f"{value}\n")
    fresh.replace(path)


def _beside(path: Path) -> Path:
    """Where a file's successor is made: a sampler at work must never find the file missing."""
    return path.with_name(f".{path.name}.new")


def _monitor(drivers: Path, address: str, index: int, rails: tuple[Rail, ...]) -> dict[str, Path]:
    folder = drivers / f"ina3221/{address}/hwmon/hwmon{index + 3}"
    replace(folder / "name", "ina3221")
    found: dict[str, Path] = {}
    for number, rail in enumerate(rails, start=1):
        replace(folder / f"in{number}_label", rail.name)
        voltage, current = folder / f"in{number}_input", folder / f"curr{number}_input"
        replace(voltage, rail.voltage_mv)
        replace(folder / f"in{number + 3}_input", 2)  # over the shunt
        if rail.name == NC:
            refuse_reading(voltage)
            refuse_reading(current)
            continue
        set_power(current, rail, rail.power_mw)
        found[rail.name] = current
    replace(folder / "in7_label", "sum of shunt voltages")
    replace(folder / "in7_input", 6)
    _list_hwmon(drivers, folder)
    return found


def _old_monitor(
    drivers: Path, address: str, index: int, rails: tuple[Rail, ...]
) -> dict[str, Path]:
    folder = drivers / f"ina3221x/{address}/iio:device{index}"
    found: dict[str, Path] = {}
    for number, rail in enumerate(rails):
        replace(folder / f"rail_name_{number}", rail.name)
        replace(folder / f"in_voltage{number}_input", rail.voltage_mv)
        found[rail.name] = folder / f"in_power{number}_input"
        set_power(found[rail.name], rail, rail.power_mw)
    return found


def _system_input(root: Path, power_mw: int) -> Path:
    folder = root / DRIVERS / "ina238/2-0044/hwmon/hwmon7"
    replace(folder / "name", "ina238")
    replace(folder / "in1_input", 20000)
    replace(folder / "curr1_input", round(power_mw / 20))
    path = folder / "power1_input"
    set_power(path, None, power_mw)
    _list_hwmon(root / DRIVERS, folder)
    return path


def _list_hwmon(drivers: Path, folder: Path) -> None:
    listed = drivers.parents[2] / "class/hwmon" / folder.name
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.symlink_to(os.path.relpath(folder, listed.parent))
