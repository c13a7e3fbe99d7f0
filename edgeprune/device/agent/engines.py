"""Engines of a bundle's models, built once and kept on the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgeprune.device.agent.engine_cache import engine_folder, mark_used
from edgeprune.device.agent.events import EventProgress, Events
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import BundleModel, Manifest
from edgeprune.device.bundle.plugin import ensure_plugin
from edgeprune.device.tensorrt.builder import Builder, load_builder
from edgeprune.device.tensorrt.engine_file import EngineFile, ensure_engine
from edgeprune.device.tensorrt.settings import BatchProfile, BuildAids, EngineSettings
from edgeprune.device.tensorrt.trtexec import find_trtexec

_USUAL_MOST = 8


def find_builder(runtime: str) -> Builder:
    """Who builds for `tensorrt` or `trtexec`."""
    if runtime == "trtexec":
        found = find_trtexec()
        if found is not None:
            return found
    return load_builder("tensorrt")


def engine_settings(bundle: Path, manifest: Manifest, batch: int, events: Events) -> EngineSettings:
    """How the bundle's engines are built; the plugin is compiled now where a model needs it."""
    plugins: tuple[str, ...] = ()
    if any(model.needs_plugin for model in manifest.all_models):
        if manifest.plugin is None:
            raise BundleError(f"{bundle}: its models need a plugin that it does not hold")
        plugins = (str(ensure_plugin(bundle / manifest.plugin, events.step)),)
    return EngineSettings(
        batch=BatchProfile(1, batch, max(batch, _USUAL_MOST)),
        plugins=plugins,
    )


def ensure_bundle_engine(
    bundle: Path,
    manifest: Manifest,
    model: BundleModel,
    builder: Builder,
    settings: EngineSettings,
    events: Events,
) -> EngineFile:
    """The engine of a model, from the last time or built now.

    Engines lie in the cache, under the digest of their graph: another bundle with the same graph
    finds it, and one with a new graph does not replace it.

    Raises:
        DeviceError: see `ensure_engine`.
    """
    folder = engine_folder()
    digest = manifest.files[model.onnx].sha256[:16]
    path = folder / f"{digest}-b{settings.batch.usual}.engine"
    events.step(f"{model.name}: looking for its engine")
    if not model.needs_plugin:  # so that it is the same engine beside a sparse model and without
        settings = replace(settings, plugins=())
    aids = BuildAids(folder / f"{builder.backend}.timing", EventProgress(events))
    engine = ensure_engine(bundle / model.onnx, path, builder, settings, aids)
    mark_used(path)
    if engine.built:
        events.step(f"{model.name}: engine built in {engine.build_seconds:.1f} s ({engine.built})")
    else:
        events.step(f"{model.name}: engine as it was")
    for note in engine.notes:
        events.note(f"{model.name}: {note}")
    return engine
