"""`edgeprune benchmark`: latency that a reviewer would trust."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(name="benchmark")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="RUN|MODEL.onnx...")  # fmt: skip
@click.option("--target", type=click.Choice(["cpu"]), default="cpu", show_default=True,
              help="Where; cpu is this machine with ONNX Runtime.")  # fmt: skip
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True,
              help="Samples of a request.")  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), help="Of the runtime.  [default: the cores]")
@click.option("--repeats", type=int, default=7, show_default=True,
              help="Times that every network is loaded and timed anew.")  # fmt: skip
@click.option("--seconds", type=float, default=1.0, show_default=True,
              help="Of each network in each repeat.")  # fmt: skip
@click.option("--rate", "rate_hz", type=float, metavar="HZ",
              help="Requests per second.  [default: one after the other]")  # fmt: skip
@click.option("--pause", "pause_s", type=float, default=0.0, show_default=True,
              help="Seconds between repeats, to cool down.")  # fmt: skip
@click.option("--warmup", "warmup_s", type=float, default=10.0, show_default=True,
              help="Most seconds of warming up; it ends when the latency stands still.",
              )  # fmt: skip
@click.option("--energy", is_flag=True,
              help="Measure joules of an inference too, after the latency: idle, the networks in "
                   "turns as fast as they go and at a fixed rate, idle again.")  # fmt: skip
@click.option("--power-sensor", type=click.Choice(["auto", "ina", "tegrastats", "nvml", "rapl"]),
              default="auto", show_default=True, help="What measures it.")  # fmt: skip
@click.option("--energy-seconds", type=float, default=60.0, show_default=True,
              help="Of each network under each load in each repeat.")  # fmt: skip
@click.option("--energy-repeats", type=int, default=5, show_default=True,
              help="Times that the networks take turns.")  # fmt: skip
@click.option("--energy-rate", "energy_rate_hz", type=float, metavar="HZ",
              help="Requests per second of the second load.  [default: --rate, or half of what the "
                   "slowest can do]")  # fmt: skip
@click.option("--idle", "idle_s", type=float, default=30.0, show_default=True,
              help="Seconds of the idle baseline, before and after.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="JSON to write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    sources: tuple[Path, ...],
    target: str,
    batch: int,
    threads: int | None,
    repeats: int,
    seconds: float,
    rate_hz: float | None,
    pause_s: float,
    warmup_s: float,
    energy: bool,
    power_sensor: str,
    energy_seconds: float,
    energy_repeats: int,
    energy_rate_hz: float | None,
    idle_s: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Time networks side by side: a run's student with its dense network, or ONNX files.

    Every repeat loads the networks anew and gives them turns, so that a slow spell of the machine
    meets all of them. Ratios carry 95 % intervals over the repeats; what speaks against the
    figures is told, with the reason.

    \b
    Example:
      edgeprune benchmark runs/a
      edgeprune benchmark a.onnx b.onnx --threads 1 --batch 8 --rate 100
      edgeprune benchmark runs/a --energy
    """
    from edgeprune.atomic import write_text_atomic
    from edgeprune.deploy.benchmark import benchmark
    from edgeprune.device.bench.energy_protocol import EnergyProtocol
    from edgeprune.device.bench.protocol import Protocol

    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"--out {out}: there is no folder {out.parent}; create it first")
    protocol = Protocol(repeats, seconds, min(0.1, seconds), pause_s, warmup_s, rate_hz)
    found = benchmark(
        sources,
        target=target,
        batch=batch,
        threads=threads,
        protocol=protocol,
        energy=energy
        and EnergyProtocol(
            sensor=power_sensor,
            window_s=energy_seconds,
            repeats=energy_repeats,
            idle_s=idle_s,
            rate_hz=energy_rate_hz,
            warmup_s=warmup_s,
        ),
        tell=lambda line: click.echo(line, err=True),
    )
    text = json.dumps(found.as_dict(), indent=1)
    if out is not None:
        write_text_atomic(out, text + "\n")
    if as_json:
        click.echo(text)
        return
    from rich.console import Console

    from edgeprune.report.benchmark_table import benchmark_table

    Console().print(benchmark_table(found))
