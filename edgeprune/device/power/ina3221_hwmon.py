"""INA3221 monitors as kernels from JetPack 5 on show them: millivolts and milliamperes, from 1.

Files `in4` to `in7` are voltages over the shunts, not rails.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Iterator

from edgeprune.device.power.channel import Channel
from edgeprune.device.power.files import read_int, read_text

_DEVICES = "sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*"  # the last number changes at every start
_CHANNELS = range(1, 4)


def hwmon_channels(root: Path) -> Iterator[Channel]:
    """Every channel, those that nothing is connected to included.

    Args:
        root: where `sys` hangs.

    Raises:
        SensorError: a name cannot be read.
    """
    for folder in sorted(root.glob(_DEVICES)):
        monitor = folder.parent.parent.name
        for number in _CHANNELS:
            name = folder / f"in{number}_label"
            if name.exists():
                yield Channel(read_text(name), monitor, partial(_power_mw, folder, number))


def _power_mw(folder: Path, number: int) -> float:
    millivolts = read_int(folder / f"in{number}_input")
    return millivolts * read_int(folder / f"curr{number}_input") / 1000
