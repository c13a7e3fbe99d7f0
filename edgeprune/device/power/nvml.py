"""GPUs through NVIDIA's management library.

Where a GPU counts energy (Volta and newer) the counter is the energy, and the instantaneous power,
integrated, checks it. That NVML starts proves nothing: on an Orin it does, and knows no power.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any, Callable

from edgeprune.device.power.nvml_library import NvmlLibrary
from edgeprune.device.power.nvml_visible import visible_gpus
from edgeprune.device.power.sensor import Reading, Sensor, SensorError, Total

SCOPE = "gpu_board"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_AVERAGED = (
    "NVML has no POWER_INSTANT here: peaks are of nvmlDeviceGetPowerUsage, "
    "which is the mean of a second on Ampere and newer"
)

_Device = ctypes.c_void_p
_Ask = Callable[[_Device], int]


class NvmlSensor(Sensor):
    """Every GPU that this program may use; a rail each.

    Args:
        interval_s: how often they are read.
        load: opens the library; raises OSError where there is none.
    """

    name = "nvml"

    def __init__(self, interval_s: float, load: Callable[[str], Any] = ctypes.CDLL) -> None:
        super().__init__(interval_s)
        self._load = load
        self._library: NvmlLibrary | None = None
        self._devices: dict[str, _Device] = {}
        self._power: _Ask | None = None
        self._first_mj: dict[str, int] = {}

    def open(self) -> None:
        """Start NVML and read every GPU once."""
        self._library = library = NvmlLibrary(self._load)
        try:
            self._devices = _own_devices(library)
            why_no_power = self._find_power(library)
            why_no_energy = self._find_energy(library)
            if self._power is None and not self._first_mj:
                raise SensorError(f"NVML knows no power here: {why_no_power}; {why_no_energy}")
            names = [f"{rail}: {library.name(gpu)}" for rail, gpu in self._devices.items()]
        except SensorError:
            self.close()
            raise
        self.rails = tuple(self._devices)
        self.total = Total(self.rails, SCOPE if len(self.rails) == 1 else f"{SCOPE}s")
        averaged = (_AVERAGED,) if self._power == library.usage_mw else ()
        self.notes = (*names, *averaged)

    def read(self) -> Reading:
        """Power and energy of every GPU."""
        library = self._library
        if library is None:
            raise SensorError("NVML was not started")
        began_s = time.monotonic()
        ask, first = self._power, self._first_mj
        rails_mw = {} if ask is None else {rail: float(ask(d)) for rail, d in self._devices.items()}
        counters_j = {
            rail: (library.energy_mj(self._devices[rail]) - first[rail]) / 1000 for rail in first
        }
        return Reading((began_s + time.monotonic()) / 2, rails_mw, counters_j)

    def close(self) -> None:
        """Give NVML back."""
        library, self._library = self._library, None
        if library is not None:
            library.close()

    def _find_power(self, library: NvmlLibrary) -> str:
        """Take the first question that every GPU answers; returns why none was."""
        self._power = library.instant_mw
        if self._why_not(library.instant_mw):
            self._power = library.usage_mw
        why = self._why_not(self._power)
        if why:
            self._power = None
        return why

    def _why_not(self, ask: _Ask) -> str:
        try:
            for device in self._devices.values():
                ask(device)
        except SensorError as failure:
            return str(failure)
        return ""

    def _find_energy(self, library: NvmlLibrary) -> str:
        """Begin to count where every GPU does; returns why not."""
        try:
            self._first_mj = {rail: library.energy_mj(gpu) for rail, gpu in self._devices.items()}
        except SensorError as failure:
            self._first_mj = {}
            return str(failure)
        return ""


def _own_devices(library: NvmlLibrary) -> dict[str, _Device]:
    devices = library.devices()
    if not devices:
        raise SensorError("NVML knows no GPU")
    asked = os.environ.get(_VISIBLE)
    numbers = visible_gpus([library.uuid(device) for device in devices], asked)
    if not numbers:
        raise SensorError(f"{_VISIBLE}={asked} hides every GPU")
    return {f"GPU{number}": devices[number] for number in numbers}
