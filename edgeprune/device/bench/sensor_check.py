"""Whether energy can be measured here, asked before minutes are spent."""

from __future__ import annotations

from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.power import SensorError, open_sensor


def check_sensor(protocol: EnergyProtocol, processor: str | None) -> None:
    """Fail before minutes are spent.

    Args:
        protocol: which sensor.
        processor: `cpu` or `gpu`, what runs the models; None for both.

    Raises:
        SensorError: no sensor answers, or its rails have no total.
    """
    with open_sensor(protocol.sensor, protocol.interval_ms, processor=processor) as sensor:
        if not sensor.total.rails:
            raise SensorError(f"{sensor.name} measures no total, which energy is of: "
                              f"{sensor.total.reason}")  # fmt: skip
