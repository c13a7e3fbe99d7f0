"""The energy phase of a benchmark: what an inference costs, gross and net of the idle device."""

from __future__ import annotations

from typing import Callable

from edgeprune.device.bench.conditions import Conditions
from edgeprune.device.bench.energy_phase import EnergyPhase, Subjects, VoidError
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.energy_result import LOADS, Energy, EnergyRun
from edgeprune.device.bench.energy_summary import ratios, summarise
from edgeprune.device.bench.spread import Ratio
from edgeprune.device.power import Recorder, open_sensor


def measure_energy(
    subjects: Subjects, protocol: EnergyProtocol, tell: Callable[[str], None]
) -> tuple[Energy, list[Conditions]]:
    """Energy of every model per inference; a void run carries the reason and no figure.

    All windows are cut out of one recording, so that no sensor starts or ends in one of them.

    Args:
        subjects: the models.
        protocol: how long and how often.
        tell: gets a line about each step.

    Returns:
        The energy, and looks at the machine under load.

    Raises:
        SensorError: no sensor answers.
    """
    least_s = least_seconds(protocol, len(subjects.requests))
    tell(f"energy: {least_s / 60:.1f} minutes at least, and cooling down")
    sensor = open_sensor(protocol.sensor, protocol.interval_ms, processor=subjects.processor)
    with Recorder(sensor) as recorder:
        phase = EnergyPhase(subjects, protocol, recorder, tell)
        try:
            turns, idle = phase.run()
        except VoidError as why:
            return Energy(None, str(why), _record(phase, {})), phase.looks
    by_load = {
        load: {
            name: summarise(turns[load, name], subjects.batch, idle.mean_w)
            for name in subjects.requests
        }
        for load in LOADS
    }
    models = {name: {load: by_load[load][name] for load in LOADS} for name in subjects.requests}
    compared = {load: ratios(found) for load, found in by_load.items()}
    return Energy(models, "", _record(phase, compared)), phase.looks


def least_seconds(protocol: EnergyProtocol, models: int) -> float:
    """Of a run of so many models, without warming up and cooling down."""
    return protocol.repeats * len(LOADS) * models * protocol.window_s + 2 * protocol.idle_s


def _record(phase: EnergyPhase, compared: dict[str, dict[str, Ratio]]) -> EnergyRun:
    sensor = phase.recorder.sensor
    return EnergyRun(
        sensor=sensor.name,
        scope=sensor.total.scope,
        readings_hz=phase.readings_hz,
        rate_hz=phase.subjects.rate_hz,
        idle=phase.idle,
        ratios=compared,
        protocol=phase.protocol,
        notes=(*sensor.notes, *dict.fromkeys(phase.notes)),
    )
