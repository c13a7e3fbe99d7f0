"""Engines on disk: a plan, and beside it a JSON that says what it was built from.

A plan that is stale, or not the one that the JSON describes, is built again; the reason is told.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Sequence

from edgeprune.device.atomic import replace_file
from edgeprune.device.tensorrt.builder import Builder, build
from edgeprune.device.tensorrt.key import difference, engine_key, file_digest
from edgeprune.device.tensorrt.settings import BuildAids, EngineSettingError, EngineSettings
from edgeprune.device.tensorrt.sidecar import read_sidecar, sidecar_of, write_sidecar
from edgeprune.device.tensorrt.timing_cache import timing_cache_of
from edgeprune.device.tensorrt.unfinished import marked

_NO_AIDS = BuildAids()


@dataclass(frozen=True)
class EngineFile:
    """An engine that is up to date.

    Attributes:
        path: the plan.
        built: why it was built just now; empty where the file that was there served.
        backend: `tensorrt`, `tensorrt-rtx` or `trtexec`.
        version: of TensorRT.
        plan_bytes: size of the plan.
        layers: layers of the network that it was built from; None where trtexec built it.
        build_seconds: time that building took, whenever that was.
        warnings: TensorRT's.
        plugins: libraries that have to be loaded before it.
        notes: what did not go as asked in the build just now.
    """

    path: str
    built: str
    backend: str
    version: str
    plan_bytes: int
    layers: int | None
    build_seconds: float
    warnings: tuple[str, ...]
    plugins: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def ensure_engine(
    onnx_file: Path,
    path: Path,
    builder: Builder,
    settings: EngineSettings,
    aids: BuildAids = _NO_AIDS,
) -> EngineFile:
    """The engine of a model: the one at `path` where it still serves, else a new one there.

    Args:
        onnx_file: the model.
        path: the engine; its timing cache lies beside it unless `aids` names another.
        builder: who builds.
        settings: how.
        aids: what helps on the way.

    Raises:
        DeviceError: see `build_plan`; a file that was there stays.
    """
    require_files(onnx_file, settings.plugins)
    if not path.parent.is_dir():
        raise EngineSettingError(f"{path}: there is no folder {path.parent}; make it first")
    key = engine_key(onnx_file, builder, settings)
    held = read_sidecar(sidecar_of(path))
    reason = _stale(path, held, key)
    if not reason and held is not None:
        return replace(_engine_file(path, "", builder, held), plugins=settings.plugins)
    aids = replace(aids, timing_cache=aids.timing_cache or timing_cache_of(path))
    with marked(path) as told:
        plan = build(onnx_file, path, builder, settings, aids)
    replace_file(path, plan.data)
    about = {
        "key": key,
        "plan_sha256": file_digest(path),
        "plan_bytes": len(plan.data),
        "layers": plan.layers,
        "build_seconds": plan.seconds,
        "warnings": list(plan.warnings),
    }
    write_sidecar(sidecar_of(path), about)
    notes = tuple(filter(None, (told, *plan.notes)))
    made = _engine_file(path, reason, builder, about)
    return replace(made, plugins=settings.plugins, notes=notes)


def require_files(onnx_file: Path, plugins: Sequence[str]) -> None:
    """Refuse files that are not there before anything is read.

    Raises:
        DeviceError: the first that is missing; `exit_code` 2.
    """
    if not onnx_file.is_file():
        raise EngineSettingError(f"{onnx_file}: no such file; edgeprune export writes one")
    for plugin in plugins:
        if not Path(plugin).is_file():
            raise EngineSettingError(f"--plugin {plugin}: no such file")


def _stale(path: Path, held: dict[str, Any] | None, key: dict[str, Any]) -> str:
    if not path.exists():
        return "there was none"
    if held is None:
        return "nothing says what the one there was built from"
    reason = difference(held["key"], key)
    if not reason and file_digest(path) != held["plan_sha256"]:
        reason = "the one there is damaged"
    return reason


def _engine_file(path: Path, built: str, builder: Builder, about: dict[str, Any]) -> EngineFile:
    layers = about["layers"]
    return EngineFile(
        path=str(path),
        built=built,
        backend=builder.backend,
        version=builder.version,
        plan_bytes=int(about["plan_bytes"]),
        layers=None if layers is None else int(layers),
        build_seconds=float(about["build_seconds"]),
        warnings=tuple(about["warnings"]),
    )
