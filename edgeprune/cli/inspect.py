"""`edgeprune inspect`: what a network consists of, what it costs, what its channels are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edgeprune.cli.values import numbers


@click.command(name="inspect")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--arch", help="Zoo or torchvision name; needed for a bare state_dict.")
@click.option("--model", help="pkg.mod:factory that builds your own network.")
@click.option("--num-classes", type=click.IntRange(min=1), help="Outputs of --arch.  [default: 10]")
@click.option("--in-channels", type=click.IntRange(min=1), help="Channels of the images.")
@click.option("--image-size", type=click.IntRange(min=1), help="Side of the images in pixels.")
@click.option("--sensitivity", is_flag=True,
              help="Measure on --data what the network loses with part of each group.")  # fmt: skip
@click.option("--data", help="For --sensitivity: data specification, as for compress.")
@click.option("--ratio", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.5,
              show_default=True, help="For --sensitivity: share of the group.")  # fmt: skip
@click.option("--importance", type=click.Choice(["l2", "l1", "bn", "fpgm", "random"]),
              default="l2", show_default=True, help="For --sensitivity: which of it.")  # fmt: skip
@click.option("--samples", type=click.IntRange(min=1),
              help="For --sensitivity: validation samples.  [default: all]")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="For --sensitivity: of the validation split.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, help="For --sensitivity.")
@click.option("--mean", help="For --sensitivity: channel means of a bare state_dict.")
@click.option("--std", help="For --sensitivity: channel deviations of a bare state_dict.")
@click.option("--sparse", "board", metavar="BOARD",
              help="Predict which masked convolutions a board, such as jetson-orin-nano-super, "
              "runs faster sparse.")  # fmt: skip
@click.option("--precision", type=click.Choice(["fp32", "fp16", "int8"]), default="fp16",
              show_default=True, help="For --sparse.")  # fmt: skip
@click.option("--trust-pickle", is_flag=True, help="Load a file that can run code.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    file: Path | None,
    sensitivity: bool,
    board: str | None,
    precision: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Show the layers, widths, parameters and MACs of FILE, or of --arch with fresh weights.

    With --sparse FILE (or a run folder) has masks, of granularity weight or vector. The times are
    those of a model of the board, never measured ones.

    MACs are those of one sample; a lookup in a table is none. Names for --arch: wrn_D_K with
    D = 6n + 4, resnet20, resnet32, resnet44, resnet56, resnet110, cifar_vgg11_bn (13, 16, 19),
    cifar_mobilenet_v2, movie_cnn, and every classification or segmentation model of torchvision.
    Recommenders are inspected as a FILE.

    \b
    Example:
      edgeprune inspect runs/a/student.pt
      edgeprune inspect --arch wrn_16_2 --num-classes 100
      edgeprune inspect teacher.pt --sensitivity --data imagefolder:photos.tar --samples 1000
      edgeprune inspect runs/masked --sparse jetson-orin-nano-super
    """
    from rich.console import Console

    if board is not None:
        if sensitivity:
            raise click.UsageError("--sparse and --sensitivity are two reports: give one of them")
        found, table = _sparse(file, board, precision, **options)
    elif sensitivity:
        found, table = _sensitivity(file, **options)
    else:
        found, table = _layers(file, **options)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=1))
    else:
        Console().print(table)


def _layers(file: Path | None, *, trust_pickle: bool, **options: Any) -> tuple[Any, Any]:
    from edgeprune.cli.layer_table import layer_table
    from edgeprune.models.inspection import inspect_model

    names = ("arch", "model", "num_classes", "in_channels", "image_size")
    chosen = {name: options[name] for name in names}
    found = inspect_model(file, trust_pickle=trust_pickle, **chosen)
    return found, layer_table(found)


def _sparse(
    file: Path | None, board: str, precision: str, *, trust_pickle: bool, **options: Any
) -> tuple[Any, Any]:
    from edgeprune.cli.sparse_table import sparse_table
    from edgeprune.export.sparse_inspection import inspect_sparse
    from edgeprune.models.load import ModelOptions

    if file is None:
        raise click.UsageError("--sparse looks at the zeros of trained weights: give a FILE")
    found = inspect_sparse(
        file,
        board,
        precision,
        ModelOptions(options["arch"], options["model"], trust_pickle=trust_pickle),
        in_channels=options["in_channels"],
        image_size=options["image_size"],
    )
    return found, sparse_table(found)


def _sensitivity(
    file: Path | None, *, data: str | None, trust_pickle: bool, **options: Any
) -> tuple[Any, Any]:
    from edgeprune.cli.sensitivity_table import sensitivity_table
    from edgeprune.methods.sensitivity import sensitivity_of_file
    from edgeprune.methods.sources import TeacherSource
    from edgeprune.train.progress import ConsoleProgress

    if file is None or data is None:
        raise click.UsageError("--sensitivity measures trained weights: give a FILE and --data")
    source = TeacherSource(
        str(file),
        arch=options["arch"],
        model=options["model"],
        mean=numbers("--mean", options["mean"]),
        std=numbers("--std", options["std"]),
        trust_pickle=trust_pickle,
    )
    names = ("device", "seed", "ratio", "importance", "samples")
    shown = ConsoleProgress()
    try:
        chosen = {name: options[name] for name in names}
        found = sensitivity_of_file(source, data, progress=shown, **chosen)
    finally:
        shown.close()
    return found, sensitivity_table(found)
