"""What an engine depends on: if any of it changes, the engine has to be built again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Mapping, Protocol

from edgeprune.device.tensorrt.settings import EngineSettings

_BOARD = Path("/sys/firmware/devicetree/base/model")
_GPUS = Path("/proc/driver/nvidia/gpus")
_WORDS = {
    "model": "the model changed",
    "plugins": "a plugin changed",
    "backend": "another backend is asked for",
    "version": "TensorRT changed",
    "gpu": "this is another GPU",
    "batch": "other batch sizes are asked for",
    "sm": "another compute capability is asked for",
    "workspace_mib": "another workspace is asked for",
    "tf32": "TF32 is asked for otherwise",
    "level": "another optimisation level is asked for",
    "sparse_weights": "sparse weights are asked for otherwise",
    "tactic_sources": "other tactic sources are asked for",
}


class BuilderIdentity(Protocol):
    """Whoever builds: one of TensorRT's modules, or trtexec."""

    @property
    def backend(self) -> str:
        """What it is."""

    @property
    def version(self) -> str:
        """Its TensorRT."""


def engine_key(
    onnx_file: Path, builder: BuilderIdentity, settings: EngineSettings
) -> dict[str, Any]:
    """Plain values that decide an engine's bytes and whether it runs here."""
    values = settings.as_dict()
    return {
        **values,
        "model": file_digest(onnx_file),
        "plugins": {Path(name).name: file_digest(Path(name)) for name in values["plugins"]},
        "backend": builder.backend,
        "version": builder.version,
        # Built ahead for a named capability, an engine does not depend on the machine.
        "gpu": None if settings.sm is not None else gpu_name(),
    }


def difference(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Why an engine of one key does not serve for another, in a user's words; empty if it does."""
    for name in wanted:
        if held.get(name) != wanted[name]:
            reason = _WORDS[name]
            if name == "version":
                reason = f"it was built with {held.get(name)}, this is {wanted[name]}"
            return reason
    return ""


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def gpu_name(board: Path = _BOARD, gpus: Path = _GPUS) -> str | None:
    """The board's or the graphics card's name; None without either."""
    if board.exists():
        return board.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    for information in sorted(gpus.glob("*/information")):
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    return None
