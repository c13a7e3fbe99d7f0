"""Which sensor answers here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeprune.device.errors import DeviceError
from edgeprune.device.power.ina import InaSensor
from edgeprune.device.power.nvml import NvmlSensor
from edgeprune.device.power.patience import answer_of
from edgeprune.device.power.rapl import RaplSensor
from edgeprune.device.power.sensor import Sensor, SensorError
from edgeprune.device.power.tegrastats import TegrastatsSensor
from edgeprune.device.probe.board_model import board_model
from edgeprune.device.root import system_root

AUTO = "auto"
SENSORS = ("ina", "tegrastats", "nvml", "rapl")
DEFAULT_INTERVAL_MS = 100
_JETSON = ("ina", "tegrastats", "nvml")
_PC = {None: ("nvml", "rapl"), "gpu": ("nvml",), "cpu": ("rapl",)}
_PATIENCE_S = 15.0  # NVML wakes a GPU that slept
_RELEASE = "etc/nv_tegra_release"


class UnknownSensorError(DeviceError):
    """A sensor or a setting that does not exist; exit code 2."""

    exit_code = 2


@dataclass(frozen=True)
class Answer:
    """Whether a sensor answers.

    Attributes:
        sensor: its name.
        rails: that it shows; empty where it does not answer.
        scope: what its total is the whole of; None where there is no total.
        reason: why it does not answer, or why there is no total; empty where both are there.
        notes: what else to know of it.
    """

    sensor: str
    rails: tuple[str, ...]
    scope: str | None
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether it showed a rail."""
        return bool(self.rails)


def order(root: Path, processor: str | None = None) -> tuple[str, ...]:
    """The sensors that `auto` tries, the best first.

    Args:
        root: where `sys` and `etc` hang.
        processor: `cpu` or `gpu` where only its energy is of interest. A board's sensors see all
            of the board.
    """
    if board_model(root).is_jetson or (root / _RELEASE).exists():
        return _JETSON
    return _PC[processor]


def open_sensor(
    name: str = AUTO,
    interval_ms: float = DEFAULT_INTERVAL_MS,
    *,
    processor: str | None = None,
    root: Path | None = None,
) -> Sensor:
    """A sensor that answered, open.

    Args:
        name: one of `SENSORS`, or `auto`.
        interval_ms: how often it is read.
        processor: `cpu` or `gpu`, what runs; for `auto` on a PC.
        root: where `sys` hangs; None for `system_root()`.

    Raises:
        SensorError: none answers; the line says what was tried and why each failed.
        UnknownSensorError: there is no such sensor, or the interval is not positive.
    """
    root = root or system_root()
    if name != AUTO and name not in SENSORS:
        raise UnknownSensorError(f"sensor {name}: use {AUTO}, {', '.join(SENSORS)}")
    if not interval_ms > 0:
        raise UnknownSensorError(f"interval {interval_ms:g} ms: use more than 0")
    failures = []
    for kind in order(root, processor) if name == AUTO else (name,):
        sensor = make_sensor(kind, interval_ms / 1000, root)
        try:
            answer_of(kind, sensor.open, _PATIENCE_S)
        except SensorError as failure:
            failures.append(f"{kind}: {failure}")
        else:
            return sensor
    raise SensorError(f"no power sensor answers here; tried {'; '.join(failures)}")


def survey(root: Path | None = None) -> tuple[Answer, ...]:
    """Every sensor, opened for a moment.

    Args:
        root: where `sys` hangs; None for `system_root()`.
    """
    root = root or system_root()
    return tuple(_ask(make_sensor(name, DEFAULT_INTERVAL_MS / 1000, root)) for name in SENSORS)


def make_sensor(name: str, interval_s: float, root: Path) -> Sensor:
    """One of `SENSORS`, not open yet."""
    if name == "nvml":
        return NvmlSensor(interval_s)
    kinds = {"ina": InaSensor, "tegrastats": TegrastatsSensor, "rapl": RaplSensor}
    return kinds[name](interval_s, root)


def _ask(sensor: Sensor) -> Answer:
    def look() -> None:
        with sensor:
            sensor.read()

    try:
        answer_of(sensor.name, look, _PATIENCE_S)
    except SensorError as failure:
        return Answer(sensor.name, (), None, str(failure))
    total = sensor.total
    return Answer(sensor.name, sensor.rails, total.scope, total.reason, sensor.notes)
