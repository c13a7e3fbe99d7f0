"""Where an engine spends its time, as trtexec tells."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Mapping

from edgeprune.device.errors import DeviceError
from edgeprune.device.onnx.file import read_onnx
from edgeprune.device.race.parts import as_profile
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.tensorrt.origins import origins
from edgeprune.device.tensorrt.trtexec_run import TrtexecEngine


def profile_engine(
    engine: TrtexecEngine, onnx_file: Path, seconds: float, feed: Mapping[str, Path] | None
) -> tuple[ProfiledLayer, ...]:
    """Time every layer of an engine, in the order of execution.

    Args:
        engine: to run.
        onnx_file: that it was built from.
        seconds: at least.
        feed: as for `TrtexecEngine.run`.

    Raises:
        DeviceError: trtexec fails, or does not tell what it measured.
    """
    with tempfile.TemporaryDirectory(prefix="edgeprune-trtexec-") as folder:
        profile, layers = Path(folder) / "profile.json", Path(folder) / "layers.json"
        # Without a CUDA graph, within which layers cannot be timed.
        options = [f"--exportProfile={profile}", f"--exportLayerInfo={layers}"]
        engine.call(seconds, feed, options)
        try:
            times_ms, notes = _times(_read(profile)), _notes(_read(layers))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as failure:
            label = engine.program.label
            raise DeviceError(f"{label}: did not tell its layers' times ({failure})") from failure
    graph = read_onnx(onnx_file).nodes
    known = {node.name for node in graph}
    nodes = {name: origins(name, notes.get(name, ""), known) for name in times_ms}
    return as_profile(times_ms, nodes, graph)


def _read(path: Path) -> Any:
    # TensorRT separates the origins of a layer by control characters.
    return json.loads(path.read_text(encoding="utf-8"), strict=False)


def _times(told: Any) -> dict[str, float]:
    """By layer; before TensorRT 8.5 there are means alone. The first row only counts."""
    found = {
        str(row["name"]): float(row.get("medianMs", row["averageMs"]))
        for row in told
        if "name" in row
    }
    if not found:
        raise ValueError("its profile has no layers")
    return found


def _notes(told: Any) -> dict[str, str]:
    """An engine that was built without details keeps names alone."""
    rows = [row for row in told["Layers"] if isinstance(row, dict)]
    return {str(row["Name"]): str(row.get("Metadata", "")) for row in rows}
