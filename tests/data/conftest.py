"""Small image folders to read."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Encoder = Callable[..., bytes]
FolderMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def encode() -> Encoder:
    """Encode an image of one colour with some texture."""

    def make(
        level: int = 0, size: tuple[int, int] = (8, 8), kind: str = "PNG", mode: str = "RGB"
    ) -> bytes:
        grid = np.add.outer(np.arange(size[0]), np.arange(size[1])) * 3 + level
        image = Image.fromarray((grid % 256).astype(np.uint8)).convert(mode)
        stream = io.BytesIO()
        image.save(stream, kind)
        return stream.getvalue()

    return make


@pytest.fixture
def folder(tmp_path: Path, encode: Encoder) -> FolderMaker:
    """Make root/split/class/number.png for the counts given as {"train/cat": 3, ...}."""

    def make(counts: dict[str, int], size: tuple[int, int] = (8, 8)) -> Path:
        root = tmp_path / "images"
        for place, count in counts.items():
            (root / place).mkdir(parents=True)
            for number in range(count):
                level = 40 * sorted(counts).index(place) + number
                (root / place / f"{number}.png").write_bytes(encode(level, size))
        return root

    return make
