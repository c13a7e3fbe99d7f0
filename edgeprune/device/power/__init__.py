"""Power and energy of the device: sensors behind one interface, windows that hold or say why not.

with measure() as window:
    ...
print(window.result.energy_j)
"""

from edgeprune.device.power.choose import (
    SENSORS,
    Answer,
    UnknownSensorError,
    open_sensor,
    survey,
)
from edgeprune.device.power.measure import Window, measure
from edgeprune.device.power.recorder import Recorder, Row
from edgeprune.device.power.result import PowerResult
from edgeprune.device.power.sensor import Reading, Sensor, SensorError, Total
from edgeprune.device.power.watch import watch

__all__ = [
    "SENSORS",
    "Answer",
    "PowerResult",
    "Reading",
    "Recorder",
    "Row",
    "Sensor",
    "SensorError",
    "Total",
    "UnknownSensorError",
    "Window",
    "measure",
    "open_sensor",
    "survey",
    "watch",
]
