"""`edgeprune export`: a network as one ONNX file for a target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeprune.cli.model_options import model_options, told_of_model
from edgeprune.device.targets import target_names

if TYPE_CHECKING:
    from edgeprune.export.precision.convert import PrecisionName


@click.command(name="export")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--target", default="cpu", show_default=True, metavar="NAME",
              help=f"Where it will run: {', '.join(target_names())}.")  # fmt: skip
@click.option("--jetpack", metavar="RELEASE",
              help="5, 6.0, 6 (6.1 and 6.2), 7 (7.0 and 7.1) or 7.2.  "
                   "[default: the newest of the board; Orin: 6]")  # fmt: skip
@click.option("--precision", type=click.Choice(["fp32", "fp16", "int8"]), default="fp32",
              show_default=True, help="Inputs and outputs are FP32 in all of them.")  # fmt: skip
@click.option("--calibration-data", metavar="SPEC",
              help="Choose and measure fp16 and int8 on this.  [default: a run's]")  # fmt: skip
@click.option("--calibration", default="auto", show_default=True, metavar="METHOD",
              help="INT8 scales by entropy, percentile, min-max, mse, or the best.")  # fmt: skip
@click.option("--calibration-samples", "samples", default=512, show_default=True)
@click.option("--max-accuracy-drop", default=0.5, show_default=True, metavar="POINTS",
              help="Validation top-1 that int8 may cost; layers go back to float.")  # fmt: skip
@click.option("--quantize-ends", "ends", is_flag=True,
              help="INT8 for the layers that read the images and classify, too.")  # fmt: skip
@click.option("--sparse", default="off", show_default=True, metavar="auto|off|LAYERS",
              help="Convolutions with zeros as SparseConv2d: those that a model of the target's "
              "boards, or for cpu their sparsity, expects to gain, or these modules (names or "
              "patterns, comma-separated).")  # fmt: skip
@click.option("--tables", type=click.Choice(["fp32", "fp16", "int8"]), default="fp32",
              show_default=True,
              help="Embedding tables alone: int8 has a scale for each row.")  # fmt: skip
@click.option("--opset", type=click.IntRange(min=1), help="In place of the target's.")
@click.option("--data", help="Compare with PyTorch on this data.  [default: random inputs]")
@model_options
@click.option("--out", type=click.Path(path_type=Path),
              help="ONNX file to write.  [default: SOURCE.TARGET.onnx, beside it]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    source: Path,
    out: Path | None,
    arch: str | None,
    model: str | None,
    mean: str | None,
    std: str | None,
    trust_pickle: bool,
    as_json: bool,
    precision: PrecisionName,
    calibration: str,
    samples: int,
    max_accuracy_drop: float,
    ends: bool,
    **settings: Any,
) -> None:
    """Write SOURCE, a run folder or a model file, as one ONNX file for a target.

    The target's TensorRT decides the opset and which operators are used. The file is compared with
    PyTorch in ONNX Runtime, batch sizes included.

    \b
    Example:
      edgeprune export runs/a --target jetson-orin
      edgeprune export runs/a --target jetson-orin --precision int8
      edgeprune export runs/a --target jetson-orin --precision fp16 --sparse auto
      edgeprune export teacher.pt --target rtx --precision int8 --calibration-data digits --json
      edgeprune export runs/ratings --target cpu --tables int8
    """
    from edgeprune.export.files import export_file
    from edgeprune.export.precision.request import PrecisionRequest
    from edgeprune.train.progress import ConsoleProgress

    options = told_of_model(arch, model, mean, std, trust_pickle)
    request = PrecisionRequest(precision, calibration, samples, max_accuracy_drop, ends)
    shown = ConsoleProgress()
    try:
        written = export_file(
            source, out, options=options, precision=request, progress=shown, **settings
        )
    finally:
        shown.close()
    if as_json:
        click.echo(json.dumps(written.as_dict(), indent=1))
        return
    small = written.bytes < 1e6
    size = f"{written.bytes / (1e3 if small else 1e6):.1f} {'kB' if small else 'MB'}"
    click.echo(
        f"{written.path}: {size}, opset {written.opset}, for "
        f"{written.target}; at most {written.max_abs_error:.1e} from PyTorch on "
        f"{written.compared_on}"
    )
    for part in (written.precision, written.sparse, written.tables):
        for line in part.lines() if part else ():
            click.echo(line)
