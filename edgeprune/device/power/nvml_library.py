"""The calls of NVIDIA's management library that tell power and energy, by ctypes."""

from __future__ import annotations

import ctypes
from typing import Any, Callable

from edgeprune.device.power.sensor import SensorError

_LIBRARY = "libnvidia-ml.so.1"
_POWER_INSTANT = 186  # NVML_FI_DEV_POWER_INSTANT, milliwatts; field 185 is a 1-s average
_UNSIGNED_INT = 1  # nvmlValueType_t
_NAME_BYTES = 96


class _Value(ctypes.Union):
    _fields_ = (("double", ctypes.c_double), ("uint", ctypes.c_uint), ("long", ctypes.c_ulonglong))


class _FieldValue(ctypes.Structure):
    """nvmlFieldValue_t."""

    _fields_ = (
        ("fieldId", ctypes.c_uint),
        ("scopeId", ctypes.c_uint),
        ("timestamp", ctypes.c_longlong),
        ("latencyUsec", ctypes.c_longlong),
        ("valueType", ctypes.c_int),
        ("nvmlReturn", ctypes.c_int),
        ("value", _Value),
    )


class NvmlLibrary:
    """NVML, initialised until `close`.

    Args:
        load: opens the library; raises OSError where there is none.

    Raises:
        SensorError: there is none, or it does not start.
    """

    def __init__(self, load: Callable[[str], Any] = ctypes.CDLL) -> None:
        try:
            self._library = load(_LIBRARY)
        except OSError as failure:
            raise SensorError(f"{_LIBRARY} is absent; it comes with NVIDIA's driver") from failure
        self._call("nvmlInit_v2")

    def close(self) -> None:
        """Give it back."""
        self._library.nvmlShutdown()

    def devices(self) -> list[ctypes.c_void_p]:
        """Handles of the GPUs."""
        count = ctypes.c_uint()
        self._call("nvmlDeviceGetCount_v2", ctypes.byref(count))
        return [self._device(number) for number in range(count.value)]

    def name(self, device: ctypes.c_void_p) -> str:
        """What a GPU is called."""
        name = ctypes.create_string_buffer(_NAME_BYTES)
        self._call("nvmlDeviceGetName", device, name, ctypes.c_uint(_NAME_BYTES))
        return name.value.decode("utf-8", "replace")

    def uuid(self, device: ctypes.c_void_p) -> str:
        """Such as `GPU-1b2c...`."""
        uuid = ctypes.create_string_buffer(_NAME_BYTES)
        self._call("nvmlDeviceGetUUID", device, uuid, ctypes.c_uint(_NAME_BYTES))
        return uuid.value.decode("utf-8", "replace")

    def energy_mj(self, device: ctypes.c_void_p) -> int:
        """Millijoules since the driver was loaded; Volta and newer."""
        energy = ctypes.c_ulonglong()
        self._call("nvmlDeviceGetTotalEnergyConsumption", device, ctypes.byref(energy))
        return energy.value

    def instant_mw(self, device: ctypes.c_void_p) -> int:
        """Milliwatts now."""
        field = _FieldValue(fieldId=_POWER_INSTANT)
        self._call("nvmlDeviceGetFieldValues", device, ctypes.c_int(1), ctypes.byref(field))
        self._check("POWER_INSTANT", field.nvmlReturn)
        if field.valueType != _UNSIGNED_INT:
            raise SensorError(f"NVML's POWER_INSTANT is of type {field.valueType}, not a number")
        return int(field.value.uint)

    def usage_mw(self, device: ctypes.c_void_p) -> int:
        """Milliwatts; on Ampere and newer the mean of the last second."""
        power = ctypes.c_uint()
        self._call("nvmlDeviceGetPowerUsage", device, ctypes.byref(power))
        return power.value

    def _device(self, number: int) -> ctypes.c_void_p:
        handle = ctypes.c_void_p()
        self._call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(number), ctypes.byref(handle))
        return handle

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, name, None)
        if function is None:
            raise SensorError(f"this NVIDIA driver has no {name}")
        self._check(name, function(*arguments))

    def _check(self, name: str, status: int) -> None:
        if status:
            self._library.nvmlErrorString.restype = ctypes.c_char_p
            said = self._library.nvmlErrorString(status)
            why = said.decode("utf-8", "replace") if said else f"error {status}"
            raise SensorError(f"NVML answers {name} with {why!r}")
