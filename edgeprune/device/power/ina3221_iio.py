"""INA3221 monitors as JetPack 4's kernel shows them: milliwatts, channels from 0."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Iterator

from edgeprune.device.power.channel import Channel
from edgeprune.device.power.files import read_int, read_text

_DEVICES = "sys/bus/i2c/drivers/ina3221x/*/iio:device*"
_CHANNELS = range(3)


def iio_channels(root: Path) -> Iterator[Channel]:
    """Every channel, those that nothing is connected to included.

    Args:
        root: where `sys` hangs.

    Raises:
        SensorError: a name cannot be read.
    """
    for folder in sorted(root.glob(_DEVICES)):
        for number in _CHANNELS:
            name = folder / f"rail_name_{number}"
            if name.exists():
                power = partial(read_int, folder / f"in_power{number}_input")
                yield Channel(read_text(name), folder.parent.name, power)
