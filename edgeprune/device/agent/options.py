"""The agent's command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgeprune.device.agent.events import Events
from edgeprune.device.agent.runtime import RUNTIMES
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.sensor_check import check_sensor
from edgeprune.device.cache import CACHE_VARIABLE
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.power.choose import AUTO, DEFAULT_INTERVAL_MS, SENSORS

_EXAMPLE = """example, on a board:
  python3 edgeprune-agent.pyz probe
  python3 edgeprune-agent.pyz run BUNDLE
"""


def make_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(
        prog="edgeprune-agent",
        description="Builds, checks, measures and runs edgeprune's models on a board.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    parser.add_argument(
        "--format",
        choices=("auto", "json", "text"),
        default="auto",
        help="JSON lines, or text for people; auto: text on a terminal",
    )
    parser.add_argument(
        "--cache", type=Path, help=f"for engines and the plugin  [default: {CACHE_VARIABLE}]"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    probe = commands.add_parser("probe", help="what this board is and how it stands")
    probe.add_argument("--folder", type=Path, default=Path.home(), help="whose disk is asked")
    probe.add_argument("--lock-clocks", action="store_true", help="whether that would work, too")
    for name, text in (
        ("build", "make every model's engine, once"),
        ("verify", "compare the models with the host's outputs"),
    ):
        _with_request(commands.add_parser(name, help=text))
    racing = _with_request(
        commands.add_parser("race", help="time sparse layers beside the same layers dense")
    )
    _with_locked_clocks(racing)
    for name, text in (
        ("bench", "time the models side by side"),
        ("run", "probe, build, verify, race and bench"),
    ):
        _with_protocol(_with_request(commands.add_parser(name, help=text)))
    _infer(commands.add_parser("infer", help="run a model on a .npy or .npz file or an image"))
    _power(commands.add_parser("serve-power", help="tell the power as it is read"))
    return parser


def _with_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto")


def _with_request(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    _with_bundle(parser)
    parser.add_argument("--batch", type=positive, default=1, help="samples of a request")
    parser.add_argument("--threads", type=positive, help="of ONNX Runtime")
    return parser


def _with_protocol(parser: argparse.ArgumentParser) -> None:
    usual = Protocol()
    parser.add_argument("--repeats", type=int, default=usual.repeats)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--rate", type=float, help="requests per second")
    parser.add_argument("--pause", type=float, default=usual.pause_s)
    parser.add_argument("--warmup", type=float, default=usual.warmup_s)
    energy = EnergyProtocol()
    parser.add_argument(
        "--energy",
        choices=("auto", "on", "off"),
        default="auto",
        help="joules of an inference; auto: where a sensor answers",
    )
    parser.add_argument("--power-sensor", choices=(AUTO, *SENSORS), default=energy.sensor)
    parser.add_argument("--energy-seconds", type=float, default=energy.window_s)
    parser.add_argument("--energy-repeats", type=int, default=energy.repeats)
    parser.add_argument("--energy-rate", type=float, help="requests per second")
    parser.add_argument("--idle", type=float, default=energy.idle_s, help="seconds")
    _with_locked_clocks(parser)


def _with_locked_clocks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lock-clocks", action="store_true", help="run sudo jetson_clocks")


def _infer(parser: argparse.ArgumentParser) -> None:
    _with_bundle(parser)
    parser.add_argument("--model", default="student")
    parser.add_argument("--input", type=Path, required=True,
                        help=".npy file or image; .npz for several inputs")  # fmt: skip
    parser.add_argument("--out", type=Path, help=".npy file for the outputs")


def _power(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sensor", choices=(AUTO, *SENSORS), default=AUTO)
    parser.add_argument("--interval", type=float, default=DEFAULT_INTERVAL_MS, help="milliseconds")
    parser.add_argument("--duration", type=float, help="seconds; without it, until stdin is closed")


def positive(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def protocol_of(given: argparse.Namespace) -> Protocol:
    """The protocol that the options describe.

    Raises:
        BenchmarkSettingError: an option out of range.
    """
    return Protocol(
        repeats=given.repeats,
        seconds=given.seconds,
        slice_s=min(Protocol().slice_s, given.seconds),
        pause_s=given.pause,
        warmup_s=given.warmup,
        rate_hz=given.rate,
    )


def energy_of(given: argparse.Namespace, no_energy: str, events: Events) -> EnergyProtocol | None:
    """The energy phase that the options describe; None for none.

    Args:
        no_energy: why the runtime has none; empty where it has.

    Raises:
        BenchmarkSettingError: an option out of range.
        DeviceUnsupportedError: energy is insisted on, and the runtime has none.
    """
    if given.energy == "off":
        return None
    if no_energy and given.energy == "on":
        raise DeviceUnsupportedError(f"--energy: {no_energy}")
    if no_energy:
        events.note(f"energy is not measured: {no_energy}")
        return None
    asked = EnergyProtocol(
        sensor=given.power_sensor,
        window_s=given.energy_seconds,
        repeats=given.energy_repeats,
        idle_s=given.idle,
        rate_hz=given.energy_rate,
        warmup_s=given.warmup,
    )
    if given.energy == "auto":
        try:
            check_sensor(asked, None)
        except DeviceUnsupportedError as failure:
            events.note(f"energy is not measured: {failure}")
            return None
    return asked
