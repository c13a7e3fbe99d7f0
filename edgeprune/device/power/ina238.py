"""INA238 monitors, one rail each, in microwatts: the input of a Thor.

The kernel's driver gives no name of its own; where the device tree gives none either, a lone
monitor is the input, as in `tegrastats`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Iterator

from edgeprune.device.power.channel import Channel
from edgeprune.device.power.files import read_int, read_text

INPUT = "VIN"
_DEVICES = "sys/bus/i2c/drivers/ina238/*/hwmon/hwmon*"
_LABELS = ("power1_label", "in1_label", "label")


def ina238_channels(root: Path) -> Iterator[Channel]:
    """Every monitor.

    Args:
        root: where `sys` hangs.

    Raises:
        SensorError: a name cannot be read.
    """
    folders = sorted(root.glob(_DEVICES))
    for folder in folders:
        monitor = folder.parent.parent.name
        unnamed = INPUT if len(folders) == 1 else f"INA238 {monitor}"
        names = [read_text(folder / label) for label in _LABELS if (folder / label).exists()]
        yield Channel(names[0] if names else unnamed, monitor, partial(_power_mw, folder))


def _power_mw(folder: Path) -> float:
    return read_int(folder / "power1_input") / 1000
