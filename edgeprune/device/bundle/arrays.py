"""A bundle's arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeprune.device.bundle.errors import BundleError


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
