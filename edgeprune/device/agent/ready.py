"""A bundle's models, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edgeprune.device.agent.engine_cache import make_room
from edgeprune.device.agent.engines import engine_settings, ensure_bundle_engine, find_builder
from edgeprune.device.agent.events import Events, Silent
from edgeprune.device.agent.runtime import ONNXRUNTIME, TENSORRT, choose_runtime
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.folder import read_bundle
from edgeprune.device.bundle.manifest import BundleModel, Manifest
from edgeprune.device.bundle.model import DeployedModel
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.probe.software import read_software
from edgeprune.device.root import system_root
from edgeprune.device.runners.base import Runner
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.device.runners.tensorrt import TensorRtRunner
from edgeprune.device.tensorrt.engine_file import EngineFile


class Ready(NamedTuple):
    """A model that can be run.

    Attributes:
        runner: of it, not active.
        engine: that it runs; None in ONNX Runtime.
    """

    runner: Runner
    engine: EngineFile | None


def make_ready(
    bundle: Path,
    manifest: Manifest,
    models: tuple[BundleModel, ...],
    runtime: str,
    batch: int,
    threads: int | None,
    events: Events,
) -> dict[str, Ready]:
    """Every model by name; engines are built now where there are none yet.

    Raises:
        DeviceError: a model cannot be built.
    """
    if runtime == ONNXRUNTIME:
        return {m.name: Ready(OnnxRuntimeRunner(bundle / m.onnx, threads), None) for m in models}
    settings = engine_settings(bundle, manifest, batch, events)
    builder = find_builder(TENSORRT)
    make_room()
    found: dict[str, Ready] = {}
    for model in models:
        engine = ensure_bundle_engine(bundle, manifest, model, builder, settings, events)
        found[model.name] = Ready(TensorRtRunner(engine.path, plugins=engine.plugins), engine)
    return found


def open_model(
    bundle: Path, name: str, runtime: str, batch: int, events: Events | None = None
) -> DeployedModel:
    """A bundle's model as a function, see `edgeprune.device.load`."""
    events = events or Silent()
    if batch < 1:
        raise BundleError(f"batch {batch}: use 1 or more")
    manifest = read_bundle(bundle)
    chosen = choose_runtime(runtime, read_software(system_root()), events, manifest.system)
    if chosen not in (TENSORRT, ONNXRUNTIME):
        raise DeviceUnsupportedError(
            "Python has no tensorrt (on a board: apt install python3-libnvinfer); trtexec times a "
            "model, but does not serve it"
        )
    models = (manifest.model(name),)
    ready = make_ready(bundle, manifest, models, chosen, batch, None, events)
    return DeployedModel(ready[name].runner, manifest, batch)
