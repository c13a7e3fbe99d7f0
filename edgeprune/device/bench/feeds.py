"""Inputs to time a graph with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeprune.device.bench.protocol import BenchmarkSettingError
from edgeprune.device.onnx.file import read_onnx


def random_feed(path: Path, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Standard normal float32 inputs of a graph, batch on axis 0.

    Args:
        path: an ONNX file.
        batch: samples; a graph of a fixed batch takes no other.

    Raises:
        BenchmarkSettingError: an axis other than the batch's has no fixed size, or the batch is
            another one.
    """
    generator = np.random.default_rng(seed)
    feed = {}
    for given in read_onnx(path).inputs:
        fixed, sizes = given.shape[:1], given.shape[1:]
        if not fixed or min(sizes, default=1) < 1:
            raise BenchmarkSettingError(
                f"{path}: input {given.name} has the shape {list(given.shape)}; only the first "
                "axis, the batch, may be free"
            )
        if fixed[0] not in (-1, batch):
            raise BenchmarkSettingError(
                f"{path}: takes batches of {fixed[0]} only; use --batch {fixed[0]}"
            )
        feed[given.name] = generator.standard_normal((batch, *sizes)).astype(np.float32)
    return feed
