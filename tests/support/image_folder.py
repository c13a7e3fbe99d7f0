"""A small data set of real image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = "0123456789"


def image_folder(root: Path, side: int = 8, kind: str = "png") -> Path:
    """Three images for each of ten classes in train and test, below `root`."""
    draw = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in CLASSES:
            place = root / split / name
            place.mkdir(parents=True)
            for number in range(3):
                pixels = draw.integers(0, 255, (side, side, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.{kind}")
    return root
