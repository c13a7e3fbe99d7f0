"""Energy of the CPU packages from RAPL, the counters of x86 processors (Linux powercap).

The kernel's documentation of `/sys/class/powercap/intel-rapl:N`: `energy_uj` counts microjoules and
returns to 0 after `max_energy_range_uj`. AMD processors appear under the same names. Only packages
are added up: cores and memory are parts of a package or lie outside of it, and `psys` contains it.

A counter that wraps twice between two readings cannot be told from one that wrapped once, so it is
read more often than any real package could wrap it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable

from edgeprune.device.power.files import read_int, read_text
from edgeprune.device.power.sensor import Reading, Sensor, SensorError, Total

SCOPE = "cpu_packages"
_POWERCAP = "sys/class/powercap"
# No package draws more; it bounds how long a counter takes to wrap.
_MAX_PACKAGE_W = 1000.0


class PackageCounter:
    """One package's counter, wraparound undone.

    Args:
        folder: its powercap folder.

    Raises:
        SensorError: the counter cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "energy_uj"
        self.range_uj = read_int(folder / "max_energy_range_uj")
        self._last_uj = read_int(self._path)
        self._total_uj = 0

    def advance(self) -> float:
        """Read the counter; joules since creation."""
        now_uj = read_int(self._path)
        gained = now_uj - self._last_uj
        self._total_uj += gained if gained >= 0 else gained + self.range_uj + 1
        self._last_uj = now_uj
        return self._total_uj / 1e6

    @property
    def shortest_wrap_s(self) -> float:
        """In which it may return to 0."""
        return self.range_uj / 1e6 / _MAX_PACKAGE_W


class RaplSensor(Sensor):
    """The CPU packages' counters.

    Args:
        interval_s: how often they are read; less where they might wrap.
        root: where `sys` hangs.
        clock: monotonic seconds.
    """

    name = "rapl"

    def __init__(
        self, interval_s: float, root: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(interval_s)
        self._powercap = root / _POWERCAP
        self._clock = clock
        self._counters: dict[str, PackageCounter] = {}
        self._wrap_s = 0.0
        self._read_at_s = 0.0

    def open(self) -> None:
        """Read every package's counter for the first time."""
        self._counters = {
            read_text(folder / "name"): PackageCounter(folder) for folder in self._packages()
        }
        self._read_at_s = self._clock()
        self._wrap_s = min(counter.shortest_wrap_s for counter in self._counters.values())
        self.interval_s = min(self.interval_s, self._wrap_s / 4)
        self.rails = tuple(self._counters)
        self.total = Total(self.rails, SCOPE)

    def read(self) -> Reading:
        """Joules of every package since it was opened."""
        now_s = self._clock()
        pause_s, self._read_at_s = now_s - self._read_at_s, now_s
        if pause_s > self._wrap_s:
            raise SensorError(
                f"RAPL went unread for {pause_s:.0f} s (machine suspended or stalled); "
                "its counter may have wrapped more than once"
            )
        counters_j = {name: counter.advance() for name, counter in self._counters.items()}
        return Reading(now_s, {}, counters_j)

    def close(self) -> None:
        """Nothing is held open."""

    def _packages(self) -> list[Path]:
        found = [
            folder
            for folder in sorted(self._powercap.glob("intel-rapl:*"))
            if (folder / "name").is_file() and read_text(folder / "name").startswith("package")
        ]
        if not found:
            raise SensorError(
                f"no RAPL counters: {self._powercap}/intel-rapl:* is absent "
                "(virtual machines and non-x86 processors have none)"
            )
        return found
