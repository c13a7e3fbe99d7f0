"""Energy of the CPU packages from RAPL, the counters of x86 processors (Linux powercap).

The kernel's documentation of `/sys/class/powercap/intel-rapl:N`: `energy_uj` counts microjoules and
returns to 0 after `max_energy_range_uj`. AMD processors appear under the same names. Only packages
are added up: cores and memory are parts of a package or lie outside of it, and `psys` contains it.

A counter that wraps twice between two readings cannot be told from one that wrapped once, so a
thread reads it more often than any real package could wrap it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Callable

from edgeprune.device.errors import DeviceUnsupportedError

POWERCAP = Path("/sys/class/powercap")
SCOPE = "cpu_packages"

# No package draws more; it bounds how long a counter takes to wrap.
_MAX_PACKAGE_W = 1000.0
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class MeasuredEnergy:
    """Energy of a window, or why there is none.

    Attributes:
        energy_j: joules over the window; None when the sensor did not answer throughout.
        reason: why `energy_j` is None, one line; empty otherwise.
        scope: what the joules count.
    """

    energy_j: float | None
    reason: str
    scope: str = SCOPE


class PackageCounter:
    """One package's counter, wraparound undone.

    Args:
        folder: its powercap folder.

    Raises:
        DeviceUnsupportedError: the counter cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "energy_uj"
        self.range_uj = _read_int(folder / "max_energy_range_uj")
        self._last_uj = _read_int(self._path)
        self._total_uj = 0

    def advance(self) -> None:
        """Read the counter and add what was used since the last reading."""
        now_uj = _read_int(self._path)
        gained = now_uj - self._last_uj
        self._total_uj += gained if gained >= 0 else gained + self.range_uj + 1
        self._last_uj = now_uj

    @property
    def energy_j(self) -> float:
        """Joules between creation and the last `advance`."""
        return self._total_uj / 1e6


def find_packages(powercap: Path = POWERCAP) -> tuple[Path, ...]:
    """Folders of the CPU packages.

    Raises:
        DeviceUnsupportedError: there are none; the line says what was looked for.
    """
    found = tuple(
        folder
        for folder in sorted(powercap.glob("intel-rapl:*"))
        if (folder / "name").is_file() and _read_text(folder / "name").startswith("package")
    )
    if not found:
        raise DeviceUnsupportedError(
            f"no RAPL counters: {powercap}/intel-rapl:* is absent "
            "(virtual machines and non-x86 processors have none)"
        )
    return found


class EnergyWindow:
    """Measures the packages' energy between entry and exit of a with statement.

    Never fails because of a sensor: `result` then carries the reason.

    Args:
        powercap: root of the powercap tree.
        clock: monotonic seconds.
    """

    def __init__(
        self, powercap: Path = POWERCAP, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._powercap = powercap
        self._clock = clock
        self._counters: list[PackageCounter] = []
        self._reason = "the measurement was never started"
        self._read_at_s = 0.0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> EnergyWindow:
        """Open the counters and start reading them."""
        try:
            folders = find_packages(self._powercap)
            self._counters = [PackageCounter(folder) for folder in folders]
        except DeviceUnsupportedError as failure:
            self._reason = str(failure)
            return self
        self._reason = ""
        self._read_at_s = self._clock()
        self._thread = threading.Thread(target=self._keep_reading, name="rapl", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the thread and read the counters for the last time."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self.read()

    @property
    def result(self) -> MeasuredEnergy:
        """The energy so far; of the whole window after exit."""
        with self._lock:
            if self._reason:
                return MeasuredEnergy(None, self._reason)
            return MeasuredEnergy(sum(counter.energy_j for counter in self._counters), "")

    def read(self) -> None:
        """Advance every counter; a counter that fails, or a pause too long, voids the window."""
        with self._lock:
            if self._reason:
                return
            now_s = self._clock()
            pause_s, self._read_at_s = now_s - self._read_at_s, now_s
            if pause_s > self._shortest_wrap_s():
                self._reason = (
                    f"RAPL went unread for {pause_s:.0f} s (machine suspended or stalled); "
                    "its counter may have wrapped more than once"
                )
                return
            try:
                for counter in self._counters:
                    counter.advance()
            except DeviceUnsupportedError as failure:
                self._reason = str(failure)

    def _shortest_wrap_s(self) -> float:
        return min(counter.range_uj for counter in self._counters) / 1e6 / _MAX_PACKAGE_W

    def _keep_reading(self) -> None:
        pause_s = min(_LONGEST_PAUSE_S, self._shortest_wrap_s() / 4)
        while not self._stop.wait(pause_s):
            self.read()


def _read_int(path: Path) -> int:
    text = _read_text(path)
    try:
        return int(text)
    except ValueError as failure:
        raise DeviceUnsupportedError(f"{path} holds {text!r}, not a number") from failure


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except PermissionError as failure:
        raise DeviceUnsupportedError(
            f"{path} is not readable: run as root, or chmod a+r it"
        ) from failure
    except OSError as failure:
        raise DeviceUnsupportedError(f"{path} did not answer ({failure.strerror})") from failure
