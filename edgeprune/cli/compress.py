"""`edgeprune compress`: a trained teacher in, a smaller verified student out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeprune.cli.values import numbers
from edgeprune.recipe import CONTROLS, GRANULARITIES, METHODS, PRESETS, parse_assignments

if TYPE_CHECKING:
    from edgeprune.deploy.meter import Meter


@click.command(name="compress")
@click.argument("teacher", type=click.Path(path_type=Path))
@click.option("--method", type=click.Choice(METHODS), default="ss_sad", show_default=True)
@click.option("--data", required=True, help="digits, fashion-mnist[:DIR], cifar10:DIR, "
              "cifar100:DIR, imagefolder:DIR_OR_TAR, movies:FILE[:GROUP][@YEAR], "
              "ratings:DIR[:ranking[@K]|:rating][+features] or pkg.mod:factory")  # fmt: skip
@click.option("--arch", help="Architecture of the teacher, when its file does not say.")
@click.option("--model", help="pkg.mod:factory that builds the teacher's network.")
@click.option("--student", help="Architecture or pkg.mod:factory; default: a copy of the teacher.")
@click.option("--preset", type=click.Choice(PRESETS), default="quick", show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs of the delivered network.")
@click.option("--granularity", type=click.Choice(GRANULARITIES),
              help="What goes: channels, single weights, or channels and then two of every four "
              "weights.  [default: channel]")  # fmt: skip
@click.option("--qat", is_flag=True, default=None, help="Fine-tune for INT8 at the end.")
@click.option("--pruning-ratio", type=float, help="Fraction of the prunable channels to remove.")
@click.option("--target-params", type=float, help="Parameters to keep: fraction, or count if > 1.")
@click.option("--target-macs", type=float, help="MACs to keep: fraction, or count if > 1.")
@click.option("--target-latency-ms", type=float,
              help="Milliseconds of an inference, measured on the target.")  # fmt: skip
@click.option("--target-energy-mj", type=float,
              help="Millijoules of an inference, where a power sensor answers.")  # fmt: skip
@click.option("--latency-batch", type=click.IntRange(min=1), help="Samples of an inference.")
@click.option("--latency-threads", type=click.IntRange(min=1),
              help="Threads of ONNX Runtime.  [default: one a core]")  # fmt: skip
@click.option("--target", metavar="NAME",
              help="Where those are measured, as for deploy.  [default: this CPU]")  # fmt: skip
@click.option("--host", metavar="[USER@]HOST[:PORT]", help="The board that is the target.")
@click.option("-i", "--identity", type=click.Path(path_type=Path), metavar="KEY",
              help="Private key, as for ssh.")  # fmt: skip
@click.option("-F", "--ssh-config", type=click.Path(path_type=Path), metavar="FILE",
              help="Configuration of ssh.")  # fmt: skip
@click.option("--round-to", type=click.IntRange(min=1), help="Widths are multiples of this.")
@click.option("--control", "controls", multiple=True, type=click.Choice(CONTROLS),
              help="Also train this control at equal size and epochs (repeatable).")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Run folder.  [default: runs/METHOD]")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE",
              help="Any setting of recipe.yaml (repeatable).")  # fmt: skip
@click.option("--mean", type=str, help="Comma-separated channel means of a bare teacher.")
@click.option("--std", type=str, help="Comma-separated channel deviations of a bare teacher.")
@click.option("--min-accuracy", type=float, help="Exit 3 if the student's metric is below this.")
@click.option("--trust-pickle", is_flag=True, help="Load a teacher file that can run code.")
@click.option("--teacher-cache", type=click.Path(path_type=Path),
              help="Folder that keeps the teacher's answers, for controls and runs.")  # fmt: skip
@click.option("--table-cache", type=click.Path(path_type=Path),
              help="Folder that keeps measured tables, for runs of the same network.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print report.json on stdout.")
def command(
    teacher: Path,
    controls: tuple[str, ...],
    out: Path | None,
    device: str,
    assignments: tuple[str, ...],
    mean: str | None,
    std: str | None,
    trust_pickle: bool,
    teacher_cache: Path | None,
    table_cache: Path | None,
    target: str | None,
    host: str | None,
    identity: Path | None,
    ssh_config: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Compress TEACHER into a physically smaller student and verify it.

    \b
    Example:
      edgeprune compress teacher.pt --method ss_sad --data imagefolder:photos/ \\
          --target-params 0.4 --target-macs 0.45 --round-to 16 --out runs/a
      edgeprune compress teacher.pt --data imagefolder:photos/ --target-latency-ms 1.5
      edgeprune compress teacher.pt --data imagefolder:photos/ --target-latency-ms 8 \\
          --target jetson --host user@board
    """
    from edgeprune.cli.output import print_report
    from edgeprune.methods.sources import TeacherSource
    from edgeprune.pipeline import compress

    settings = {**parse_assignments(assignments), **_given(options)}
    source = TeacherSource(
        str(teacher),
        arch=settings.get("arch"),
        model=settings.get("model"),
        mean=numbers("--mean", mean),
        std=numbers("--std", std),
        trust_pickle=trust_pickle,
    )
    folder = out or Path("runs") / str(settings["method"])
    report = compress(
        source,
        out=folder,
        device=device,
        controls=controls,
        teacher_cache=teacher_cache,
        table_cache=table_cache,
        meter=_meter(settings, target, host, identity, ssh_config),
        show_progress=True,
        **settings,
    )
    print_report(report, folder, as_json)


def _meter(
    settings: Mapping[str, Any],
    target: str | None,
    host: str | None,
    identity: Path | None,
    ssh_config: Path | None,
) -> Meter | None:
    """A board's; None for this CPU's."""
    if target is None and host is None:
        return None
    from edgeprune.deploy.board_meter import board_meter
    from edgeprune.deploy.ssh import SshOptions
    from edgeprune.recipe import default_settings

    values = {**default_settings(), **settings}
    return board_meter(
        target or "jetson",
        host,
        ssh=SshOptions(identity, ssh_config),
        batch=values["latency_batch"],
        threads=values["latency_threads"],
        repeats=values["latency_repeats"],
        energy=values["target_energy_mj"] is not None,
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
