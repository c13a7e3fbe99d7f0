"""`edgeprune benchmark`: latency that a reviewer would trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edgeprune.cli.bench_options import bench_options, energy_of, protocol_of


@click.command(name="benchmark")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="RUN|MODEL.onnx...")  # fmt: skip
@click.option("--target", type=click.Choice(["cpu"]), default="cpu", show_default=True,
              help="Where; cpu is this machine with ONNX Runtime.")  # fmt: skip
@click.option("--energy", is_flag=True,
              help="Measure joules of an inference too, after the latency: idle, the networks in "
                   "turns as fast as they go and at a fixed rate, idle again.")  # fmt: skip
@bench_options
@click.option("--batches", metavar="N,N,...",
              help="In place of --batch: the same for each of these sizes, such as 1,64,1024.",
              )  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="JSON to write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    sources: tuple[Path, ...],
    target: str,
    energy: bool,
    batch: int,
    batches: str | None,
    threads: int | None,
    out: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Time networks side by side: a run's student with its dense network, or ONNX files.

    Every repeat loads the networks anew and gives them turns, so that a slow spell of the machine
    meets all of them. Ratios carry 95 % intervals over the repeats; what speaks against the
    figures is told, with the reason.

    \b
    Example:
      edgeprune benchmark runs/a
      edgeprune benchmark a.onnx b.onnx --threads 1 --batch 8 --rate 100
      edgeprune benchmark runs/ratings --batches 1,64,1024 --threads 1
      edgeprune benchmark runs/a --energy
    """
    from edgeprune.atomic import write_text_atomic
    from edgeprune.deploy.benchmark import benchmark

    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"--out {out}: there is no folder {out.parent}; create it first")
    sizes = _sizes(batches) if batches is not None else (batch,)
    found = [
        benchmark(
            sources,
            target=target,
            batch=size,
            threads=threads,
            protocol=protocol_of(**settings),
            energy=energy and energy_of(**settings),
            tell=lambda line: click.echo(line, err=True),
        )
        for size in sizes
    ]
    told: Any = [one.as_dict() for one in found]
    text = json.dumps(told[0] if batches is None else {"batches": told}, indent=1)
    if out is not None:
        write_text_atomic(out, text + "\n")
    if as_json:
        click.echo(text)
    else:
        from rich.console import Console

        from edgeprune.report.benchmark_table import benchmark_table

        console = Console()
        for one in found:
            console.print(benchmark_table(one))
    for one in found:
        one.require_energy()


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise click.BadParameter(f"--batches {text}: write sizes from 1 on, such as 1,64,1024")
    return sizes
