"""`edgeprune verify`: what exported graphs and engines still do of what the network did."""

from __future__ import annotations

from pathlib import Path

import click

from edgeprune.cli.model_options import model_options, told_of_model


@click.command(name="verify")
@click.argument("source", type=click.Path(path_type=Path), metavar="RUN|CHECKPOINT")
@click.option("--onnx", "onnx_files", multiple=True, type=click.Path(path_type=Path),
              metavar="FILE", help="Graph to verify (repeatable).  [default: all of a folder; "
              "CHECKPOINT's name.*.onnx]")  # fmt: skip
@click.option("--backend", "backends", multiple=True, default=["onnxruntime"], show_default=True,
              type=click.Choice(["onnxruntime", "tensorrt", "tensorrt-rtx"]),
              help="Where to run them (repeatable); engines are kept beside them.")  # fmt: skip
@click.option("--data", metavar="SPEC", help="Data whose test split decides.  [default: a run's]")
@click.option("--limit", type=click.IntRange(min=1), metavar="N",
              help="Use N test images, taken evenly from the split.")  # fmt: skip
@click.option("--max-accuracy-drop", type=float, metavar="POINTS",
              help="Top-1 that a graph may lose; in fp32, images that may get another class.  "
              "[default: fp32 and fp16 0.1, int8 0.5]")  # fmt: skip
@click.option("--max-abs-error", type=float, default=1e-3, show_default=True,
              help="Largest difference of an output in fp32.")  # fmt: skip
@click.option("--min-snr", "min_snr_db", type=float, metavar="DB",
              help="Below it a layer has diverged.  [default: fp32 60, fp16 35, int8 15]",
              )  # fmt: skip
@click.option("--sm", metavar="CAPABILITY",
              help="For tensorrt-rtx: build for this compute capability, such as 86.")  # fmt: skip
@click.option("--tf32/--no-tf32", default=True, show_default=True,
              help="Let FP32 layers of an engine round their inputs to TF32.")  # fmt: skip
@click.option("--plugin", "plugins", multiple=True, metavar="LIBRARY",
              help="For engines: library to load before a graph is read (repeatable).")  # fmt: skip
@model_options
@click.option("--out", type=click.Path(path_type=Path),
              help="JSON to write.  [default: verify.json in RUN]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    source: Path,
    onnx_files: tuple[Path, ...],
    backends: tuple[str, ...],
    data: str | None,
    limit: int | None,
    max_accuracy_drop: float | None,
    max_abs_error: float,
    min_snr_db: float | None,
    sm: str | None,
    tf32: bool,
    plugins: tuple[str, ...],
    arch: str | None,
    model: str | None,
    image_size: int | None,
    in_channels: int | None,
    mean: str | None,
    std: str | None,
    trust_pickle: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare the exported graphs of a network with PyTorch, on its test data and layer by layer.

    Top-1 with paired bootstrap 95 % intervals, differences of the outputs, and the first layer
    whose values part from what they should be. A graph that loses more than it may ends the command
    with exit code 3, after the report.

    \b
    Example:
      edgeprune verify runs/a
      edgeprune verify runs/a --onnx runs/a/student.rtx.int8.onnx --max-accuracy-drop 1
      edgeprune verify teacher.pt --onnx teacher.cpu.onnx --data digits --json
    """
    from edgeprune.device.tensorrt.settings import EngineSettings
    from edgeprune.verify.gate import Limits, require_kept
    from edgeprune.verify.report import VERIFY_NAME
    from edgeprune.verify.run import VerifyRequest, verify

    request = VerifyRequest(
        onnx_files=onnx_files,
        backends=backends,
        data=data,
        limit=limit,
        image_size=image_size,
        in_channels=in_channels,
        min_snr_db=min_snr_db,
        limits=Limits(max_accuracy_drop, max_abs_error),
        engine=EngineSettings(sm=sm, tf32=tf32, plugins=plugins),
        options=told_of_model(arch, model, mean, std, trust_pickle),
    )
    _require_folder(out)
    report = verify(source, request)
    page = out or (source / VERIFY_NAME if source.is_dir() else None)
    if page is not None:
        report.write(page)
    if as_json:
        click.echo(report.to_json())
    else:
        from rich.console import Console

        from edgeprune.report.verify_table import verify_table

        Console().print(verify_table(report))
    if page is not None:
        click.echo(str(page), err=True)
    require_kept(report)


def _require_folder(out: Path | None) -> None:
    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"--out {out}: there is no folder {out.parent}; create it first")
