"""A bundle's folder, written once for a student and a target."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgeprune import __version__
from edgeprune.data.behind import state_behind
from edgeprune.deploy.bundle.agent_archive import agent_archive
from edgeprune.deploy.bundle.graphs import RIVAL, BundleGraph, export_graphs
from edgeprune.deploy.bundle.plugin_source import plugin_source
from edgeprune.deploy.bundle.prebuilt import prebuilt
from edgeprune.deploy.bundle.references import bundle_inputs, reference_inputs, reference_outputs
from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.deploy.bundle.seal import save_array, seal
from edgeprune.deploy.candidates import STUDENT
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.folder import read_bundle
from edgeprune.device.bundle.manifest import (
    BundleModel,
    Manifest,
)
from edgeprune.device.bundle.plugin import LIBRARY
from edgeprune.device.targets import Target
from edgeprune.device.tensorrt.key import file_digest
from edgeprune.digest import digest_of
from edgeprune.export.sources import RECIPE, model_file
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.recipe import load_recipe
from edgeprune.verify.graphs import read_graph

_INPUTS = "reference-inputs.npy"
_PLUGIN = "plugin.tar.gz"


@dataclass(frozen=True)
class WrittenBundle:
    """A bundle on the host.

    Attributes:
        folder: that holds it.
        manifest: what it holds.
        written: whether it was written now; False where the one from the last time served.
    """

    folder: Path
    manifest: Manifest
    written: bool


def ensure_bundle(
    run: Path,
    folder: Path,
    target: Target,
    request: BundleRequest,
    tell: Callable[[str], None],
    options: ModelOptions | None = None,
) -> WrittenBundle:
    """The bundle of a run for a target: that of the last time where it still serves, or a new one.

    Args:
        run: a finished run's folder, or a checkpoint.
        folder: the bundle's.
        target: that the graphs are for.
        request: how.
        tell: gets a line about each step.
        options: what the user says of the model file.

    Raises:
        EdgepruneError: the run cannot be exported for this target; the folder stays as it was.
    """
    options = options or ModelOptions()
    student = model_file(run)
    agent = agent_archive()
    key = _key(run, student, agent, target, request, options)
    held = _held(folder, key)
    if held is not None:
        return held
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        work = Path(scratch) / "bundle"
        work.mkdir()
        _fill(work, key, run, student, agent, target, request, tell, options)
        if folder.exists():
            shutil.rmtree(folder)
        work.replace(folder)
    return WrittenBundle(folder, read_bundle(folder), True)


def _fill(
    work: Path,
    key: str,
    run: Path,
    student: Path,
    agent: bytes,
    target: Target,
    request: BundleRequest,
    tell: Callable[[str], None],
    options: ModelOptions,
) -> None:
    loaded = load_model(student, options)
    graphs, notes = export_graphs(run, loaded, target, request, work, tell, options)
    tell("computing the references")
    inputs = bundle_inputs(loaded, request)
    samples, origin = reference_inputs(loaded, run, request.data, inputs)
    trained = next(graph for graph in graphs if graph.is_trained)
    exact = reference_outputs(work / trained.file, samples, inputs)
    notes.append(f"references: {len(exact)} samples, {origin}")
    outputs = len(read_graph(work / trained.file).model.graph.output)
    if outputs > 1:
        notes.append(
            f"the network has {outputs} outputs: the first is checked, and given on boards"
        )
    files = [_INPUTS, *(f"reference-{given.name}.npy" for given in inputs[1:])]
    for file, values in zip(files, samples.values(), strict=True):
        save_array(work / file, values[: len(exact)])
    rival = next((graph for graph in graphs if graph.name == RIVAL), None)
    models = tuple(_model(work, g, exact, request.precision.name) for g in graphs if g != rival)
    plugin = None
    if any(model.needs_plugin for model in models):
        plugin = _PLUGIN if request.plugin is None else LIBRARY
        content = plugin_source() if request.plugin is None else prebuilt(request.plugin, target)
        (work / plugin).write_bytes(content)
    seal(
        work,
        agent,
        target,
        name=run.stem,
        inputs=inputs,
        models=models,
        reference_inputs=files,
        made_from=key,
        notes=tuple(notes),
        classes=loaded.classes,
        plugin=plugin,
        rival=None if rival is None else _model(work, rival, exact, request.precision.name),
    )


def _model(work: Path, graph: BundleGraph, exact: NDArray[Any], precision: str) -> BundleModel:
    """`exact`: outputs of the student, which its rival has too."""
    reference = None
    if graph.is_trained:
        reference = f"reference-{STUDENT}.npy"
        save_array(work / reference, exact)
    return BundleModel(
        name=graph.name,
        onnx=graph.file,
        precision=precision,
        reference=reference,
        parameters=graph.parameters,
        macs=graph.macs,
        needs_plugin=graph.is_sparse,
    )


def _key(
    run: Path,
    student: Path,
    agent: bytes,
    target: Target,
    request: BundleRequest,
    options: ModelOptions,
) -> str:
    """Digest of all that decides a bundle."""
    read = (student, student.with_suffix(".json"), run / RECIPE)
    made = {
        "files": [file_digest(path) if path.is_file() else None for path in read],
        "data": [state_behind(spec) for spec in _data(run, request)],
        "options": asdict(options),
        "agent": hashlib.sha256(agent).hexdigest(),
        "edgeprune": __version__,
        "target": asdict(target),
        "request": request.as_dict(),
    }
    return digest_of(made)


def _data(run: Path, request: BundleRequest) -> list[str]:
    """What references and calibration are taken from."""
    if request.data is not None:
        return [request.data]
    return [load_recipe(run / RECIPE).data] if (run / RECIPE).is_file() else []


def _held(folder: Path, key: str) -> WrittenBundle | None:
    try:
        manifest = read_bundle(folder)
    except BundleError:
        return None
    return WrittenBundle(folder, manifest, False) if manifest.made_from == key else None
