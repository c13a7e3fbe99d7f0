"""The last files of a bundle's folder: the agent, and the manifest of all that is in it."""

from __future__ import annotations

import io
from collections.abc import Sequence
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
    inputs: Sequence[BundleInput],
    models: tuple[BundleModel, ...],
    reference_inputs: Sequence[str],
    made_from: str = "",
    notes: tuple[str, ...] = (),
    classes: tuple[str, ...] | None = None,
    plugin: str | None = None,
    rival: BundleModel | None = None,
) -> Manifest:
    """Write both; no file may change afterwards. See `Manifest` for the arguments.

    Args:
        folder: that holds all other files.
        agent: the archive.
        inputs: of the models, in the order of the graphs.
        reference_inputs: a file for each of them.
    """
    write_bytes_atomic(folder / AGENT, agent)
    manifest = Manifest(
        name=name,
        made_by=f"edgeprune {__version__}",
        made_from=made_from,
        notes=notes,
        target=target.name,
        system=target.system,
        input=inputs[0],
        classes=classes,
        models=models,
        reference_inputs=reference_inputs[0],
        plugin=plugin,
        files={
            path.name: BundleFile(file_digest(path), path.stat().st_size)
            for path in sorted(folder.iterdir())
        },
        more_inputs=tuple(inputs[1:]),
        more_reference_inputs=tuple(reference_inputs[1:]),
        rival=rival,
    )
    write_text_atomic(folder / MANIFEST, manifest.to_json())
    return manifest


def save_array(path: Path, values: NDArray[Any]) -> None:
    """Write a `.npy` file in one step."""
    buffer = io.BytesIO()
    np.save(buffer, values)
    write_bytes_atomic(path, buffer.getvalue())
