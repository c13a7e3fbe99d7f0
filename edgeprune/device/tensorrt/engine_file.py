"""Engines on disk: a plan, and beside it a JSON that says what it was built from.

A plan that is stale, or not
the one that the JSON describes, is built again, and the reason is told.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Sequence

from edgeprune.device.atomic import replace_file
from edgeprune.device.tensorrt.bindings import Bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.key import difference, engine_key, file_digest
from edgeprune.device.tensorrt.settings import EngineSettingError, EngineSettings
from edgeprune.device.tensorrt.sidecar import read_sidecar, sidecar_of, write_sidecar


@dataclass(frozen=True)
class EngineFile:
    """An engine that is up to date.

    Attributes:
        path: the plan.
        built: why it was built just now; empty where the file that was there served.
        backend: `tensorrt` or `tensorrt-rtx`.
        version: of TensorRT.
        plan_bytes: size of the plan.
        layers: layers of the network that it was built from.
        build_seconds: time that building took, whenever that was.
        warnings: TensorRT's.
    """

    path: str
    built: str
    backend: str
    version: str
    plan_bytes: int
    layers: int
    build_seconds: float
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def ensure_engine(
    onnx_file: Path, path: Path, bindings: Bindings, settings: EngineSettings
) -> EngineFile:
    """The engine of a model: the one at `path` where it still serves, else a new one there.

    Raises:
        DeviceError: see `build_plan`; a file that was there stays.
    """
    require_files(onnx_file, settings.plugins)
    key = engine_key(onnx_file, bindings, settings)
    held = read_sidecar(sidecar_of(path))
    reason = _stale(path, held, key)
    if not reason and held is not None:
        return _engine_file(path, "", bindings, held)
    plan = build_plan(onnx_file, bindings, settings)
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
    return _engine_file(path, reason, bindings, about)


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


def _engine_file(path: Path, built: str, bindings: Bindings, about: dict[str, Any]) -> EngineFile:
    return EngineFile(
        path=str(path),
        built=built,
        backend=bindings.backend,
        version=bindings.version,
        plan_bytes=int(about["plan_bytes"]),
        layers=int(about["layers"]),
        build_seconds=float(about["build_seconds"]),
        warnings=tuple(about["warnings"]),
    )
