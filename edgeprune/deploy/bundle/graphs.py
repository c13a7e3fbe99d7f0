"""The graphs of a bundle: the student, and the network that it was before."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.deploy.candidates import DENSE, STUDENT
from edgeprune.deploy.dense import dense_module
from edgeprune.device.targets import Target
from edgeprune.export.files import export_file
from edgeprune.export.sources import RECIPE
from edgeprune.export.sources import STUDENT as STUDENT_FILE
from edgeprune.export.sparse.choice import OFF
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.input_shape import specs_of
from edgeprune.models.inputs import random_inputs
from edgeprune.models.load import ModelOptions
from edgeprune.models.loaded import LoadedModel
from edgeprune.models.summary import count_macs, count_params

RIVAL = "student-dense"
_ANY_DROP = 100.0  # of accuracy: fresh weights have none to lose


@dataclass(frozen=True)
class BundleGraph:
    """A graph in the bundle's folder.

    Attributes:
        name: `dense`, `student` or `student-dense`.
        file: its name there.
        parameters: that the network has.
        macs: of one sample.
        is_trained: whether its outputs mean something.
        is_sparse: whether it needs the plugin.
    """

    name: str
    file: str
    parameters: int
    macs: int
    is_trained: bool
    is_sparse: bool


def export_graphs(
    run: Path,
    loaded: LoadedModel,
    target: Target,
    request: BundleRequest,
    folder: Path,
    tell: Callable[[str], None],
    options: ModelOptions,
) -> tuple[list[BundleGraph], list[str]]:
    """Write the graphs into the folder, the dense one first; and what is to be said about them.

    The dense network's weights are fresh: no time depends on them. After a sparse student comes
    itself with every layer dense, which it races with.

    Args:
        options: that `loaded` was read with.

    Raises:
        EdgepruneError: see `export_file`.
    """
    graphs, notes = [], []
    if request.dense:
        tell("exporting the dense network")
        dense = _dense(run, loaded, target, request, folder)
        if dense is None:
            notes.append(
                f"{loaded.arch} cannot be built from its name alone: the student is measured alone"
            )
        else:
            graphs.append(dense)
    tell("exporting the student")
    file, rival = f"{STUDENT}.onnx", f"{RIVAL}.onnx"
    written = export_file(
        run,
        folder / file,
        target=target.name,
        jetpack=_jetpack(target),
        precision=request.precision,
        calibration_data=request.data,
        image_size=request.image_size,
        in_channels=request.in_channels,
        options=options,
        sparse=request.sparse,
        sparse_back=request.back,
        rival=folder / rival if request.race and not request.back else None,
    )
    sparse = written.sparse is not None and written.sparse.any
    graphs.append(_graph(STUDENT, file, loaded, request, is_trained=True, is_sparse=sparse))
    if (folder / rival).is_file():
        graphs.append(_graph(RIVAL, rival, loaded, request, is_trained=True, is_sparse=False))
    if request.back:
        notes.append(f"sparse layers that lost to dense on the board: {', '.join(request.back)}")
    return graphs, notes


def _dense(
    run: Path, loaded: LoadedModel, target: Target, request: BundleRequest, folder: Path
) -> BundleGraph | None:
    module = dense_module(loaded.arch, loaded.arch_args)
    if module is None:
        return None
    fresh = replace(loaded, module=module)
    file = f"{DENSE}.onnx"
    held = checkpoint_of(
        module,
        arch=loaded.arch,
        arch_args=loaded.arch_args,
        preprocessing=loaded.preprocessing,
        classes=loaded.classes,
    )
    with tempfile.TemporaryDirectory(prefix="edgeprune-") as scratch:
        beside = Path(scratch)
        save_checkpoint(beside / STUDENT_FILE, held)
        if (run / RECIPE).is_file():  # it names the data that INT8's scales are chosen on
            shutil.copyfile(run / RECIPE, beside / RECIPE)
        export_file(
            beside,
            folder / file,
            target=target.name,
            jetpack=_jetpack(target),
            precision=replace(request.precision, max_accuracy_drop=_ANY_DROP),
            calibration_data=request.data,
            image_size=request.image_size,
            in_channels=request.in_channels,
            sparse=OFF,
        )
    return _graph(DENSE, file, fresh, request, is_trained=False, is_sparse=False)


def _graph(
    name: str,
    file: str,
    loaded: LoadedModel,
    request: BundleRequest,
    *,
    is_trained: bool,
    is_sparse: bool,
) -> BundleGraph:
    sample = random_inputs(specs_of(loaded, request.in_channels, request.image_size), 1)
    return BundleGraph(
        name=name,
        file=file,
        parameters=count_params(loaded.module),
        macs=count_macs(loaded.module, sample),
        is_trained=is_trained,
        is_sparse=is_sparse,
    )


def _jetpack(target: Target) -> str | None:
    return target.system if target.l4t is not None else None
