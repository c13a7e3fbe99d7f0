"""The 1,797 handwritten digits, 8 x 8, that scikit-learn carries."""

from __future__ import annotations

import numpy as np
import torch

from edgeprune.data.randomness import keyed_generator
from edgeprune.data.samples import MemorySamples
from edgeprune.data.source import Labelled, Source
from edgeprune.data.split import carve
from edgeprune.errors import UnsupportedError

_TEST_FRACTION = 0.2


def load_digits(image_size: int | None = None) -> Source:
    """Read scikit-learn's `load_digits` (UCI optical recognition of handwritten digits).

    The test set is a fifth of the images, the same whatever a run's seed is.

    Raises:
        UnsupportedError: when scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError as error:
        raise UnsupportedError(
            "--data digits needs scikit-learn: pip install 'edgeprune[demo]'"
        ) from error
    found = sklearn_digits()
    # Grey levels run from 0 to 16: 15.9375 spreads them over all of uint8.
    pixels = torch.from_numpy(np.rint(found.images * 15.9375).astype(np.uint8)).unsqueeze(1)
    targets = torch.from_numpy(found.target).long()
    side = image_size or 8
    train, test = carve(targets, _TEST_FRACTION, keyed_generator(0, "digits test set"))
    return Source(
        name="digits",
        classes=tuple(str(name) for name in found.target_names),
        image_size=(side, side),
        channels=1,
        train=Labelled(MemorySamples(pixels[train], image_size=image_size), targets[train]),
        test=Labelled(MemorySamples(pixels[test], image_size=image_size), targets[test]),
        policy="shift",
    )
