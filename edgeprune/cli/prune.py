"""`edgeprune prune`: remove channels from a network once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command(name="prune")
@click.argument("checkpoint", required=False, type=click.Path(path_type=Path))
@click.option("--arch", help="Zoo or torchvision name; needed without a CHECKPOINT of ours.")
@click.option("--pruning-ratio", type=float, help="Fraction of the prunable channels to remove.")
@click.option("--target-params", type=float, help="Parameters to keep: fraction, or count if > 1.")
@click.option("--target-macs", type=float, help="MACs to keep: fraction, or count if > 1.")
@click.option(
    "--importance",
    type=click.Choice(["l2", "l1", "bn", "fpgm", "random"]),
    default="l2",
    show_default=True,
    help="What makes a channel worth keeping.",
)
@click.option("--round-to", type=click.IntRange(min=1), default=8, show_default=True,
              help="Widths are multiples of this.")  # fmt: skip
@click.option("--ignored-layer", "ignored_layers", multiple=True, metavar="NAME",
              help="Layer, or pattern of layers, to leave alone (repeatable).")  # fmt: skip
@click.option("--layer", "layers", multiple=True, metavar="NAME",
              help="Prune this layer, or pattern of layers, alone (repeatable).")  # fmt: skip
@click.option("--attention", type=click.Choice(["dims", "heads"]), default="dims",
              show_default=True, help="Narrow all heads alike, or remove whole heads.")  # fmt: skip
@click.option("--global/--local", "global_pruning", default=True, show_default=True,
              help="Rank channels over the whole network, or narrow all groups alike.")  # fmt: skip
@click.option("--isomorphic", is_flag=True,
              help="Rank channels only within groups of the same structure.")  # fmt: skip
@click.option("--floor", type=click.FloatRange(0, 1), default=0.1, show_default=True,
              help="Fraction of its width that every group keeps.")  # fmt: skip
@click.option("--layer-floor", "layer_floors", multiple=True, metavar="NAME=F",
              help="The same for a layer, or a pattern of layers (repeatable).")  # fmt: skip
@click.option("--image-size", type=click.IntRange(min=1), help="Side of the images in pixels.")
@click.option("--in-channels", type=click.IntRange(min=1), help="Channels of the images.")
@click.option("--num-classes", type=click.IntRange(min=1), help="Outputs of fresh weights.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Checkpoint to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON on stdout.")
def command(
    checkpoint: Path | None,
    arch: str | None,
    image_size: int | None,
    in_channels: int | None,
    num_classes: int | None,
    seed: int,
    out: Path,
    layer_floors: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> None:
    """Remove the least important channels of CHECKPOINT, or of --arch with fresh weights.

    CHECKPOINT is one of edgeprune's, or a bare state_dict together with --arch. The removal is
    proved equal to masking before anything is written; give at least one of --pruning-ratio,
    --target-params and --target-macs, and all that are given are met.

    \b
    Example:
      edgeprune prune teacher.pt --target-params 0.4 --target-macs 0.45 --out small.pt
      edgeprune prune --arch resnet18 --pruning-ratio 0.5 --out half.pt --json
    """
    from edgeprune.prune.files import ModelChoice, prune_file

    choice = ModelChoice(checkpoint, arch, num_classes, in_channels, image_size, seed)
    report = prune_file(choice, out, floors=dict(map(_floor, layer_floors)), **settings)
    if as_json:
        import json

        click.echo(json.dumps(report.as_dict(), indent=1))
        return
    from rich.console import Console

    from edgeprune.prune.terminal import prune_table

    Console().print(prune_table(report, out))


def _floor(text: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        return name, float(value)
    except ValueError as failure:
        raise click.BadParameter(f"--layer-floor {text}: write it as NAME=0.5") from failure
