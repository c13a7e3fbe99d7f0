"""`edgeprune train`: a teacher from a data set."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeprune.recipe import parse_assignments
from edgeprune.wording import counted


@click.command(name="train")
@click.argument("arch")
@click.option("--data", required=True, help="Data specification, as for compress.")
@click.option(
    "--epochs", type=click.IntRange(min=1), help="[default: 40; 12 for films, 20 for ratings]"
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Checkpoint to write.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True),
              help="Highest rate.  [default: 0.1; 0.05 for films, 0.005 for ratings]")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(min=2), help="[default: 128; 1024 for ratings]")
@click.option("--device", default="auto", show_default=True)
@click.option(
    "--compile",
    "compiles",
    is_flag=True,
    help="Train through torch.compile; needs a C++ compiler on a CPU.",
)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE",
              help="train_limit, image_size, augment, val_fraction, precision, ...")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def command(
    arch: str,
    data: str,
    epochs: int | None,
    seed: int,
    out: Path,
    lr: float | None,
    batch_size: int | None,
    device: str,
    compiles: bool,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train ARCH from scratch with a one-cycle learning rate; resumes when run again.

    \b
    Example:
      edgeprune train wrn_40_2 --data imagefolder:photos.tar --epochs 40 --out teacher.pt
      edgeprune train movie_cnn --data movies:films.csv:all --out movies.pt
      edgeprune train neumf --data ratings:ml-100k --out recommender.pt
    """
    from edgeprune.pretrain import pretrain

    result = pretrain(
        arch,
        data,
        out,
        epochs=epochs,
        seed=seed,
        lr=lr,
        batch_size=batch_size,
        device=device,
        compile=compiles,
        show_progress=True,
        **parse_assignments(assignments),
    )
    if as_json:
        click.echo(json.dumps(result.as_dict(), indent=1))
        return
    told = f"{out}: {arch}, {result.params:,} parameters, "
    took = f"after {counted(result.epochs, 'epoch')} ({result.train_seconds:.0f} s)"
    if result.ranking is not None:
        from edgeprune.report.ranking_table import ranking_lead_lines, ranking_lines

        found = result.ranking
        click.echo(
            f"{told}for {found['users']:,} test users {took}, with 95 % bootstrap intervals:"
        )
        click.echo("\n".join(ranking_lines(found["figures"], found["k"])))
        click.echo("\n".join(ranking_lead_lines(found, "network")))
        return
    if result.regression is None:
        click.echo(f"{told}test top-1 {result.test_top1:.2f} % {took}")
        return
    from edgeprune.report.errors_table import error_lines, lead_lines

    click.echo(f"{told}on the test split {took}, with 95 % bootstrap intervals:")
    click.echo("\n".join(error_lines(result.regression["errors"])))
    click.echo("\n".join(lead_lines(result.regression, "network")))
