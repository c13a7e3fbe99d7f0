"""`edgeprune power`: what this machine draws."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgeprune.device.power import Row


@click.command(name="power")
@click.option("--sensor", type=click.Choice(["auto", "ina", "tegrastats", "nvml", "rapl"]),
              default="auto", show_default=True,
              help="What measures; auto takes the best that answers.")  # fmt: skip
@click.option("--duration", "duration_s", type=click.FloatRange(min=0, min_open=True),
              metavar="S", help="Seconds.  [default: until Ctrl-C]")  # fmt: skip
@click.option("--interval", "interval_ms", type=click.FloatRange(min=1), default=100,
              show_default=True, metavar="MS", help="Between two readings.")  # fmt: skip
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Write every reading, line by line: what ends early keeps its lines.",
              )  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    sensor: str,
    duration_s: float | None,
    interval_ms: float,
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """Measure power by rail, and the energy of the time: INA monitors, tegrastats, NVML or RAPL.

    On a terminal a table follows it. Ctrl-C ends it with the figures so far. A gap in the readings
    voids them: they are null, with the reason, and the exit code is 1. No sensor: exit code 5.

    \b
    Example:
      edgeprune power
      edgeprune power --duration 60 --csv power.csv --json
    """
    from edgeprune.device.errors import DeviceError
    from edgeprune.device.power import measure, watch
    from edgeprune.device.power.csv_log import CsvLog
    from edgeprune.report.power_table import LivePower, power_table

    if csv_file is not None and not csv_file.parent.is_dir():
        raise click.BadParameter(
            f"--csv {csv_file}: there is no folder {csv_file.parent}; create it first"
        )
    with measure(sensor, interval_ms) as window, contextlib.ExitStack() as stack:
        live = stack.enter_context(LivePower(window))
        see: Callable[[Sequence[Row]], None] = live.add
        if csv_file is not None and window.sensor is not None:
            log = stack.enter_context(CsvLog(csv_file, window.sensor.rails, window.start_s))
            see = log.beside(live.add)
        reached = watch(window, see, duration_s)
    found = window.result
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=1))
    else:
        from rich.console import Console

        Console().print(power_table(found))
    if found.is_void:
        raise DeviceError(f"the measurement is void: {found.reason}")
    if duration_s is not None and not reached:
        raise KeyboardInterrupt
