"""`edgeprune deploy`: a run on a board, checked and measured there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeprune.cli.bench_options import bench_options, energy_of, protocol_of
from edgeprune.cli.model_options import model_options, told_of_model

if TYPE_CHECKING:
    from edgeprune.deploy.deployment import Deployment
    from edgeprune.deploy.request import DeployRequest


@click.command(name="deploy")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|CHECKPOINT")
@click.option("--target", default="jetson", show_default=True, metavar="NAME",
              help="jetson (whichever answers), jetson-orin, jetson-xavier, jetson-thor, or cpu: "
              "any Linux machine with ONNX Runtime.")  # fmt: skip
@click.option("--host", metavar="[USER@]HOST[:PORT]", help="The board.  [default: this machine]")
@click.option("-i", "--identity", type=click.Path(path_type=Path), metavar="KEY",
              help="Private key, as for ssh.")  # fmt: skip
@click.option("-F", "--ssh-config", type=click.Path(path_type=Path), metavar="FILE",
              help="Configuration of ssh.")  # fmt: skip
@click.option("-o", "ssh_options", multiple=True, metavar="NAME=VALUE",
              help="Option of ssh (repeatable).")  # fmt: skip
@click.option("--folder", metavar="PATH", help="On the board.  [default: ~/.cache/edgeprune]")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=0.0, show_default=True,
              metavar="SECONDS", help="For another deploy there to finish.")  # fmt: skip
@click.option("--precision", type=click.Choice(["fp32", "fp16", "int8"]), default="fp32",
              show_default=True)  # fmt: skip
@click.option("--max-accuracy-drop", default=0.5, show_default=True, metavar="POINTS",
              help="Validation top-1 that int8 may cost; layers go back to float.")  # fmt: skip
@click.option("--sparse", default="off", show_default=True, metavar="auto|off|LAYERS",
              help="Convolutions with zeros as SparseConv2d, as for export.")  # fmt: skip
@click.option("--race/--no-race", default=True, show_default=True,
              help="Time each sparse layer on the board beside the same one dense; those that lose "
              "go back to dense.")  # fmt: skip
@click.option("--plugin", type=click.Path(path_type=Path), metavar="LIBRARY",
              help="Of sparse convolutions, for aarch64.  [default: the board compiles it]",
              )  # fmt: skip
@click.option("--data", "--calibration-data", "data", metavar="SPEC",
              help="Images to check by and to choose fp16 and int8 on.  [default: a run's]",
              )  # fmt: skip
@click.option("--dense/--no-dense", default=True, show_default=True,
              help="Measure the network before pruning beside the student.")  # fmt: skip
@click.option("--runtime", type=click.Choice(["auto", "tensorrt", "trtexec", "onnxruntime"]),
              default="auto", show_default=True,
              help="auto: TensorRT's Python module, else trtexec; for cpu ONNX Runtime.",
              )  # fmt: skip
@click.option("--benchmark/--no-benchmark", "measures", default=True, show_default=True)
@click.option("--energy/--no-energy", default=None,
              help="Joules of an inference, which take some 25 minutes with the defaults.  "
              "[default: on a Jetson whose sensors answer]")  # fmt: skip
@bench_options
@click.option("--lock-clocks", is_flag=True,
              help="Run sudo jetson_clocks for the benchmark, and put all back.")  # fmt: skip
@click.option("--bundle", "bundle_out", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Only write the bundle, to be carried there by hand.")  # fmt: skip
@click.option("--jetpack", metavar="RELEASE",
              help="With --bundle: 5, 6.0, 6, 7 or 7.2.  [default: the newest; Orin: 6]",
              )  # fmt: skip
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print deploy.json on stdout.")
def command(
    run: Path, bundle_out: Path | None, jetpack: str | None, as_json: bool, **settings: Any
) -> None:
    """Bring RUN to a board: copy, build engines there, compare outputs, measure, report.

    What the board has already is not sent, and what is built is not built again. Without --host
    this machine is the board. The result is kept in RUN/deploy/HOST/PRECISION, as JSON and a page.

    \b
    Example:
      edgeprune deploy runs/a --target jetson --host user@board
      edgeprune deploy runs/a --host user@board --precision fp16 --lock-clocks
      edgeprune deploy runs/a --target cpu --host pi@raspberry
      edgeprune deploy runs/a --target jetson-orin --bundle bundle/
    """
    import sys

    from edgeprune.deploy.deploy import bundle, deploy, result_folder
    from edgeprune.deploy.deployment import HTML_NAME
    from edgeprune.report.deployment.lines import benchmark_of
    from edgeprune.report.deployment.steps import StepLines

    request = _request(**settings)
    if bundle_out is not None:
        with StepLines(sys.stderr) as shown:
            click.echo(str(bundle(run, bundle_out, request, jetpack, shown)))
        return
    if jetpack is not None:
        raise click.BadParameter("--jetpack: the board tells; it goes with --bundle alone")
    with StepLines(sys.stderr) as shown:
        done = deploy(run, request, shown)
    if as_json:
        click.echo(done.to_json(), nl=False)
    else:
        from rich.console import Console

        from edgeprune.report.deployment.table import deployment_table

        Console().print(deployment_table(done))
    _write_page(done, result_folder(run, request) / HTML_NAME)
    measured = benchmark_of(done)
    if measured is not None and request.energy == "on":
        measured.require_energy()


def _write_page(done: Deployment, path: Path) -> None:
    """The figures are there already: a page that cannot be drawn is no failure."""
    from edgeprune.errors import UnsupportedError
    from edgeprune.report.deployment.page import write_page

    try:
        click.echo(str(write_page(done, path)), err=True)
    except UnsupportedError as failure:
        click.echo(f"no {path.name}: {failure}", err=True)


def _request(
    *,
    target: str,
    host: str | None,
    identity: Path | None,
    ssh_config: Path | None,
    ssh_options: tuple[str, ...],
    folder: str | None,
    wait_s: float,
    precision: Any,
    max_accuracy_drop: float,
    sparse: str,
    race: bool,
    plugin: Path | None,
    data: str | None,
    dense: bool,
    runtime: str,
    batch: int,
    threads: int | None,
    measures: bool,
    energy: bool | None,
    lock_clocks: bool,
    arch: str | None,
    model: str | None,
    image_size: int | None,
    in_channels: int | None,
    mean: str | None,
    std: str | None,
    trust_pickle: bool,
    **measuring: Any,
) -> DeployRequest:
    from edgeprune.deploy.bundle.request import BundleRequest
    from edgeprune.deploy.request import DeployRequest
    from edgeprune.deploy.ssh import FOLDER, SshOptions
    from edgeprune.export.precision.request import PrecisionRequest

    return DeployRequest(
        target=target,
        host=host,
        ssh=SshOptions(identity, ssh_config, ssh_options),
        folder=folder or FOLDER,
        wait_s=wait_s,
        bundle=BundleRequest(
            precision=PrecisionRequest(precision, max_accuracy_drop=max_accuracy_drop),
            sparse=sparse,
            race=race,
            data=data,
            dense=dense,
            plugin=plugin,
            image_size=image_size,
            in_channels=in_channels,
        ),
        runtime=runtime,
        batch=batch,
        threads=threads,
        protocol=protocol_of(**measuring) if measures else None,
        energy=None if energy is None else "on" if energy else "off",
        energy_protocol=energy_of(**measuring),
        lock_clocks=lock_clocks,
        model=told_of_model(arch, model, mean, std, trust_pickle),
    )
