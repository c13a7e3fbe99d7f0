"""`edgeprune inspect`: what a network consists of and what it costs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="inspect")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--arch", help="Zoo or torchvision name; needed for a bare state_dict.")
@click.option("--model", help="pkg.mod:factory that builds your own network.")
@click.option("--num-classes", type=click.IntRange(min=1), help="Outputs of --arch.  [default: 10]")
@click.option("--in-channels", type=click.IntRange(min=1), help="Channels of the images.")
@click.option("--image-size", type=click.IntRange(min=1), help="Side of the images in pixels.")
@click.option("--trust-pickle", is_flag=True, help="Load a file that can run code.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    file: Path | None,
    arch: str | None,
    model: str | None,
    num_classes: int | None,
    in_channels: int | None,
    image_size: int | None,
    trust_pickle: bool,
    as_json: bool,
) -> None:
    """Show the layers, widths, parameters and MACs of FILE, or of --arch with fresh weights.

    MACs are those of one image. Names for --arch: wrn_D_K with D = 6n + 4, resnet20, resnet32,
    resnet44, resnet56, resnet110, cifar_vgg11_bn (13, 16, 19), cifar_mobilenet_v2, and every
    classification or segmentation model of torchvision.

    \b
    Example:
      edgeprune inspect runs/a/student.pt
      edgeprune inspect --arch wrn_16_2 --num-classes 100
    """
    from edgeprune.models.inspection import inspect_model

    found = inspect_model(
        file,
        arch=arch,
        model=model,
        num_classes=num_classes,
        in_channels=in_channels,
        image_size=image_size,
        trust_pickle=trust_pickle,
    )
    if as_json:
        import json

        click.echo(json.dumps(found.as_dict(), indent=1))
        return
    from rich.console import Console

    from edgeprune.cli.layer_table import layer_table

    Console().print(layer_table(found))
