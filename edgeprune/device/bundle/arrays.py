"""A bundle's arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import Manifest
from edgeprune.device.bundle.preprocess import prepare_all


def read_array(path: Path) -> np.ndarray:
    """An array of the bundle.

    Raises:
        BundleError: it is damaged.
    """
    try:
        found: np.ndarray = np.load(str(path), allow_pickle=False)
    except (OSError, ValueError, EOFError) as failure:
        raise BundleError(f"{path}: is no array; deploy the run again") from failure
    return found


def reference_feed(bundle: Path, manifest: Manifest) -> dict[str, np.ndarray]:
    """The reference samples of every input by name, as the models take them.

    Raises:
        BundleError: a file is damaged.
    """
    samples = {name: read_array(bundle / file) for name, file in manifest.references.items()}
    return prepare_all(samples, manifest.inputs)
