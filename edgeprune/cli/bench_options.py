"""The options of the measuring commands: how long, how often, under which load, and energy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from edgeprune.device.bench.energy_protocol import EnergyProtocol
    from edgeprune.device.bench.protocol import Protocol

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
                 help="Samples of a request."),
    click.option("--threads", type=click.IntRange(min=1),
                 help="Of ONNX Runtime.  [default: the cores]"),
    click.option("--repeats", type=int, default=7, show_default=True,
                 help="Times that every network is loaded and timed anew."),
    click.option("--seconds", type=float, default=1.0, show_default=True,
                 help="Of each network in each repeat."),
    click.option("--rate", "rate_hz", type=float, metavar="HZ",
                 help="Requests per second.  [default: one after the other]"),
    click.option("--pause", "pause_s", type=float, default=0.0, show_default=True,
                 help="Seconds between repeats, to cool down."),
    click.option("--warmup", "warmup_s", type=float, default=10.0, show_default=True,
                 help="Most seconds of warming up; it ends when the latency stands still."),
    click.option("--power-sensor", type=click.Choice(["auto", "ina", "tegrastats", "nvml", "rapl"]),
                 default="auto", show_default=True, help="What measures energy."),
    click.option("--energy-seconds", type=float, default=60.0, show_default=True,
                 help="Of each network under each load in each repeat."),
    click.option("--energy-repeats", type=int, default=5, show_default=True,
                 help="Times that the networks take turns."),
    click.option("--energy-rate", "energy_rate_hz", type=float, metavar="HZ",
                 help="Requests per second of the second load.  [default: --rate, or half of what "
                      "the slowest can do]"),
    click.option("--idle", "idle_s", type=float, default=30.0, show_default=True,
                 help="Seconds of the idle baseline, before and after."),
)  # fmt: skip


def bench_options(command: Command) -> Command:
    """Give a command those options, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def protocol_of(
    *,
    repeats: int,
    seconds: float,
    pause_s: float,
    warmup_s: float,
    rate_hz: float | None,
    **_others: Any,
) -> Protocol:
    """What those options say of latency.

    Raises:
        DeviceError: one is out of range.
    """
    from edgeprune.device.bench.protocol import Protocol

    return Protocol(repeats, seconds, min(0.1, seconds), pause_s, warmup_s, rate_hz)


def energy_of(
    *,
    power_sensor: str,
    energy_seconds: float,
    energy_repeats: int,
    idle_s: float,
    energy_rate_hz: float | None,
    warmup_s: float,
    **_others: Any,
) -> EnergyProtocol:
    """What those options say of energy.

    Raises:
        DeviceError: one is out of range.
    """
    from edgeprune.device.bench.energy_protocol import EnergyProtocol

    return EnergyProtocol(
        sensor=power_sensor,
        window_s=energy_seconds,
        repeats=energy_repeats,
        idle_s=idle_s,
        rate_hz=energy_rate_hz,
        warmup_s=warmup_s,
    )
