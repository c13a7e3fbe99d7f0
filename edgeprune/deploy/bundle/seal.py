"""The last files of a bundle's folder: the agent, and the manifest of all that is in it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune import __version__
from edgeprune.atomic import write_bytes_atomic, write_text_atomic
from edgeprune.device.bundle.manifest import (
    AGENT,
    MANIFEST,
    BundleFile,
    BundleInput,
    BundleModel,
    Manifest,
)
from edgeprune.device.targets import Target
from edgeprune.device.tensorrt.key import file_digest


def seal(
    folder: Path,
    agent: bytes,
    target: Target,
    *,
    name: str,
    given: BundleInput,
    models: tuple[BundleModel, ...],
    reference_inputs: str,
    made_from: str = "",
    notes: tuple[str, ...] = (),
    classes: tuple[str, ...] | None = None,
    plugin: str | None = None,
) -> Manifest:
    """Write both; no file may change afterwards. See `Manifest` for the arguments.

    Args:
        folder: that holds all other files.
        agent: the archive.
        given: the models' input.
    """
    write_bytes_atomic(folder / AGENT, agent)
    manifest = Manifest(
        name=name,
        made_by=f"edgeprune {__version__}",
        made_from=made_from,
        notes=notes,
        target=target.name,
        system=target.system,
        input=given,
        classes=classes,
        models=models,
        reference_inputs=reference_inputs,
        plugin=plugin,
        files={
            path.name: BundleFile(file_digest(path), path.stat().st_size)
            for path in sorted(folder.iterdir())
        },
    )
    write_text_atomic(folder / MANIFEST, manifest.to_json())
    return manifest


def save_array(path: Path, values: NDArray[Any]) -> None:
    """Write a `.npy` file in one step."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    write_bytes_atomic(path, buffer.getvalue())
