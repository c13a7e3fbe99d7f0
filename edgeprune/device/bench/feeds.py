"""Inputs to time a graph with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeprune.device.bench.protocol import BenchmarkSettingError
from edgeprune.device.ids import METADATA, IdRows, id_rows_from
from edgeprune.device.onnx.file import FLOAT, INT64, OnnxInput, read_onnx


def random_feed(path: Path, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs of a graph, batch on axis 0: standard normal float32, and int64 ids of its tables.

    Ids are drawn evenly from all that a column has: no cache holds the rows that are asked for,
    which real requests, of popular rows, are kinder to.

    Args:
        path: an ONNX file.
        batch: samples; a graph of a fixed batch takes no other.

    Raises:
        BenchmarkSettingError: an axis other than the batch's has no fixed size, the batch is
            another one, or nothing says which ids there are.
    """
    generator = np.random.default_rng(seed)
    feed = {}
    graph = read_onnx(path)
    known = id_rows_from(graph.json_metadata(METADATA))
    for given in graph.inputs:
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
        feed[given.name] = _drawn(path, given, (batch, *sizes), known.get(given.name), generator)
    return feed


def _drawn(
    path: Path,
    given: OnnxInput,
    shape: tuple[int, ...],
    ids: IdRows | None,
    generator: np.random.Generator,
) -> np.ndarray:
    if given.elem_type == FLOAT:
        return generator.standard_normal(shape).astype(np.float32)
    if given.elem_type == INT64 and ids is not None:
        return generator.integers(0, np.maximum(np.asarray(ids.rows, np.int64), 1), shape)
    raise BenchmarkSettingError(
        f"{path}: input {given.name} is neither float32 nor ids whose tables the file names; "
        "export it with edgeprune export"
    )
