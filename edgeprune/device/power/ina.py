"""A board's power monitors, read where the kernel shows them; needs no root on most boards."""

from __future__ import annotations

import time
from pathlib import Path

from edgeprune.device.power.board_table import total_on
from edgeprune.device.power.channel import NOT_CONNECTED, Channel
from edgeprune.device.power.ina238 import ina238_channels
from edgeprune.device.power.ina3221_hwmon import hwmon_channels
from edgeprune.device.power.ina3221_iio import iio_channels
from edgeprune.device.power.sensor import Reading, Sensor, SensorError


class InaSensor(Sensor):
    """INA3221 and INA238 through sysfs.

    Args:
        interval_s: how often it is read.
        root: where `sys` hangs.
    """

    name = "ina"

    def __init__(self, interval_s: float, root: Path) -> None:
        super().__init__(interval_s)
        self._root = root
        self._channels: dict[str, Channel] = {}

    def open(self) -> None:
        """Find the monitors, and keep the channels that answer."""
        channels = [
            channel
            for find in (iio_channels, hwmon_channels, ina238_channels)
            for channel in find(self._root)
            if channel.rail != NOT_CONNECTED
        ]
        if not channels:
            where = self._root / "sys/bus/i2c/drivers"
            raise SensorError(
                f"no INA3221 or INA238 monitor in {where}; these are on Jetson boards"
            )
        silent = self._keep_answering(channels)
        if not self._channels:
            raise SensorError(f"the INA monitors are there, none can be read: {silent[0]}")
        self.rails = tuple(self._channels)
        self.total = total_on(self._root, self.rails)
        self.notes = tuple(silent)

    def read(self) -> Reading:
        """Every rail; the moment is the middle of the reading, which takes milliseconds."""
        began_s = time.monotonic()
        rails_mw = {rail: channel.read_mw() for rail, channel in self._channels.items()}
        return Reading((began_s + time.monotonic()) / 2, rails_mw, {})

    def close(self) -> None:
        """Nothing is held open."""

    def _keep_answering(self, channels: list[Channel]) -> list[str]:
        """Returns why the others do not answer."""
        silent = []
        for channel in channels:
            is_new = channel.rail not in self._channels
            rail = channel.rail if is_new else f"{channel.rail} ({channel.monitor})"
            try:
                channel.read_mw()
            except SensorError as failure:
                silent.append(f"rail {rail}: {failure}")
            else:
                self._channels[rail] = channel
        return silent
