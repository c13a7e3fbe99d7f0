"""A model's answer to one file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from edgeprune.device.agent.events import Events
from edgeprune.device.agent.ready import open_model
from edgeprune.device.atomic import replace_file
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.image_file import read_samples
from edgeprune.device.bundle.manifest import BundleInput

_SHOWN = 5


def infer_file(
    bundle: Path, name: str, runtime: str, given: Path, out: Path | None, events: Events
) -> dict[str, Any]:
    """Run a model on a `.npy` file or an image; on a `.npz` file where it takes several inputs.

    Args:
        out: `.npy` file for all outputs.

    Returns:
        Shapes, and of each of the first samples the largest outputs, for classes, or the first.

    Raises:
        BundleError: the file is none that the model takes.
    """
    if out is not None and not out.absolute().parent.is_dir():
        raise BundleError(f"--out {out}: there is no folder {out.parent}; make it first")
    with open_model(bundle, name, runtime, 1, events) as model:
        outputs = model(_samples(given, model.inputs))
        classes = model.classes
    if out is not None:
        buffer = io.BytesIO()
        np.save(buffer, outputs)
        replace_file(out, buffer.getvalue())
    found: dict[str, Any] = {"samples": len(outputs), "shape": list(outputs.shape)}
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        found["largest"] = [_largest(row, classes) for row in outputs[:_SHOWN]]
    else:
        first = outputs[:_SHOWN]
        found["first_values"] = first.reshape(len(first), -1)[:, :_SHOWN].tolist()
    return found


def _samples(path: Path, inputs: tuple[BundleInput, ...]) -> dict[str, np.ndarray]:
    if len(inputs) == 1:
        return {inputs[0].name: read_samples(path, inputs[0].shape)}
    if path.suffix != ".npz":
        raise BundleError(
            f"{path}: the model takes {', '.join(one.name for one in inputs)}: give a .npz file "
            "(numpy.savez) with an array of each name"
        )
    try:
        with np.load(str(path), allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (OSError, ValueError, EOFError, BadZipFile) as failure:
        raise BundleError(f"{path}: holds no arrays that numpy reads ({failure})") from failure


def _largest(row: np.ndarray, classes: tuple[str, ...] | None) -> list[dict[str, Any]]:
    order = np.argsort(row)[::-1][:_SHOWN]
    return [
        {"class": str(index) if classes is None else classes[index], "output": float(row[index])}
        for index in order
    ]
