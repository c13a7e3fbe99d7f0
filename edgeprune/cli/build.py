"""`edgeprune build`: an engine from an ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgeprune.device.tensorrt.engine_file import EngineFile
    from edgeprune.device.tensorrt.settings import BatchProfile


@click.command(name="build")
@click.argument("onnx_file", metavar="MODEL.onnx", type=click.Path(path_type=Path))
@click.option("--backend", type=click.Choice(["tensorrt", "tensorrt-rtx"]), default="tensorrt",
              show_default=True, help="tensorrt-rtx needs no GPU to build for one.")  # fmt: skip
@click.option("--sm", metavar="CAPABILITY",
              help="For tensorrt-rtx: build for this compute capability, such as 86.")  # fmt: skip
@click.option("--batch", default="1:1:8", show_default=True, metavar="MIN:USUAL:MAX",
              help="Batch sizes it takes, and the one it is tuned for.")  # fmt: skip
@click.option("--workspace", "workspace_mib", type=click.IntRange(min=1), metavar="MIB",
              help="Most memory of a layer.  [default: half of a board's free memory]")  # fmt: skip
@click.option("--tf32/--no-tf32", default=True, show_default=True,
              help="Let FP32 layers round their inputs to TF32 on Ampere and later.")  # fmt: skip
@click.option("--level", type=click.IntRange(0, 5), help="Optimisation level.")
@click.option("--sparse-weights", is_flag=True,
              help="Let kernels for weights with 2 zeros in every 4 be chosen.")  # fmt: skip
@click.option("--tactic-sources", metavar="NAME,NAME",
              help="Libraries that kernels may come from, such as CUBLAS,CUDNN.")  # fmt: skip
@click.option("--plugin", "plugins", multiple=True, metavar="LIBRARY",
              help="Library to load before the graph is read (repeatable).")  # fmt: skip
@click.option("--timing-cache", type=click.Path(path_type=Path), metavar="FILE",
              help="Times of kernels to use and add to.  [default: beside the engine]")  # fmt: skip
@click.option("--trtexec", metavar="PROGRAM",
              help="Build with this trtexec.  [default: where Python has no tensorrt]")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path),
              help="Engine to write.  [default: MODEL.engine, beside it]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    onnx_file: Path,
    backend: str,
    sm: str | None,
    batch: str,
    workspace_mib: int | None,
    tf32: bool,
    level: int | None,
    sparse_weights: bool,
    tactic_sources: str | None,
    plugins: tuple[str, ...],
    timing_cache: Path | None,
    trtexec: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Build an engine from MODEL.onnx; one that still serves is left as it is.

    What it was built from stands in a JSON beside it. Another model, TensorRT, GPU or setting, or
    a damaged file, is a reason to build it again, and is told.

    \b
    Example:
      edgeprune build runs/a/student.rtx.onnx --backend tensorrt-rtx --sm 86
    """
    from edgeprune.cli.build_progress import BuildBars
    from edgeprune.device.tensorrt.builder import load_builder
    from edgeprune.device.tensorrt.engine_file import ensure_engine
    from edgeprune.device.tensorrt.settings import BuildAids, EngineSettings

    settings = EngineSettings(
        batch=_batch(batch),
        sm=sm,
        workspace_mib=workspace_mib,
        tf32=tf32,
        level=level,
        sparse_weights=sparse_weights,
        tactic_sources=_names(tactic_sources),
        plugins=plugins,
    )
    builder = load_builder(backend, trtexec)
    with BuildBars() as bars:
        engine = ensure_engine(
            onnx_file,
            out or onnx_file.with_suffix(".engine"),
            builder,
            settings,
            BuildAids(timing_cache, bars),
        )
    if as_json:
        click.echo(json.dumps(engine.as_dict(), indent=1))
    else:
        _tell(engine, builder.label)


def _tell(engine: EngineFile, builder: str) -> None:
    state = (
        f"built in {engine.build_seconds:.1f} s ({engine.built})" if engine.built else "as it was"
    )
    layers = "" if engine.layers is None else f"{engine.layers} layers, "
    click.echo(f"{engine.path}: {engine.plan_bytes / 1e6:.1f} MB, {layers}{builder}, {state}")
    for note in engine.notes:
        click.echo(note, err=True)
    for warning in engine.warnings:
        click.echo(f"{builder} warns: {warning}", err=True)


def _batch(text: str) -> BatchProfile:
    from edgeprune.device.tensorrt.settings import BatchProfile

    try:
        least, usual, most = map(int, text.split(":"))
    except ValueError as failure:
        raise click.BadParameter(f"--batch {text}: write MIN:USUAL:MAX, such as 1:1:8") from failure
    return BatchProfile(least, usual, most)


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not names:
        raise click.BadParameter("--tactic-sources: write names, such as CUBLAS,CUDNN")
    return names
