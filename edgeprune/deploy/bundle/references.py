"""Inputs and outputs that a board is checked by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.device.bundle.manifest import BundleInput
from edgeprune.device.bundle.preprocess import prepare_all
from edgeprune.errors import UserInputError
from edgeprune.export.sources import source_data
from edgeprune.models.input_shape import specs_of
from edgeprune.models.loaded import LoadedModel
from edgeprune.verify.graphs import read_graph
from edgeprune.verify.networks import onnx_network

SAMPLES = 32
_MOST_BYTES = 64 << 20  # of outputs: those of a segmentation would outweigh all else in a bundle


def bundle_inputs(loaded: LoadedModel, request: BundleRequest) -> tuple[BundleInput, ...]:
    """What a network takes.

    Raises:
        UserInputError: nothing says how large its images are.
    """
    stored = loaded.preprocessing
    if stored is not None and stored.image_size == (1, 1):
        stored = None  # a row of features, not pixels: it reaches the network as it is
    return tuple(
        BundleInput(
            name=spec.name,
            shape=spec.shape,
            mean=None if stored is None else tuple(stored.mean),
            std=None if stored is None else tuple(stored.std),
            dtype=spec.dtype,
            rows=spec.rows,
            columns=spec.columns,
        )
        for spec in specs_of(loaded, request.in_channels, request.image_size)
    )


def reference_inputs(
    loaded: LoadedModel, run: Path, spec: str | None, inputs: Sequence[BundleInput]
) -> tuple[dict[str, NDArray[Any]], str]:
    """Samples of every input as a user gives them, and what they are.

    Images of the validation split, since the test split is read once; random ones, said so, where
    the run's own data is not on this machine.

    Raises:
        UserInputError: data that was asked for cannot be used.
    """
    shape = inputs[0].shape
    side = shape[1] if len(shape) == 3 and shape[1:] != (1, 1) else None
    try:
        data = source_data(loaded, side, run, spec, "--data")
    except UserInputError as failure:
        if spec is not None:
            raise
        return _random(inputs), f"random inputs ({failure})"
    if data is None:
        return _random(inputs), "random inputs, since nothing says what data the network is for"
    batch = next(iter(data.batches("val", batch_size=SAMPLES)))
    samples = {
        given.name: _as_given(values[:SAMPLES].numpy(), given)
        for given, values in zip(inputs, batch.inputs, strict=True)
    }
    return samples, f"{data.name}, validation split"


def _as_given(samples: NDArray[Any], given: BundleInput) -> NDArray[Any]:
    """Pixels where the board normalises them itself."""
    if given.mean is None or given.std is None:
        return np.ascontiguousarray(samples, given.dtype)
    mean, std = (np.reshape(np.asarray(v), (1, -1, 1, 1)) for v in (given.mean, given.std))
    pixels: NDArray[Any] = np.rint((samples * std + mean) * 255).clip(0, 255).astype(np.uint8)
    return pixels


def reference_outputs(
    path: Path, samples: Mapping[str, NDArray[Any]], inputs: Sequence[BundleInput]
) -> NDArray[Any]:
    """What ONNX Runtime computes here, from what the board's code makes of the samples.

    Returns:
        As many samples as a bundle should carry outputs of, at least one.
    """
    with onnx_network(read_graph(path)) as network:
        ready = tuple(prepare_all(samples, inputs).values())
        first = network(tuple(values[:1] for values in ready))[0]
        count = max(1, min(len(ready[0]), _MOST_BYTES // max(first.nbytes, 1)))
        return network(tuple(values[:count] for values in ready))[0]


def _random(inputs: Sequence[BundleInput]) -> dict[str, NDArray[Any]]:
    generator = np.random.default_rng(0)
    return {given.name: _drawn(given, generator) for given in inputs}


def _drawn(given: BundleInput, generator: np.random.Generator) -> NDArray[Any]:
    shape = (SAMPLES, *given.shape)
    if given.dtype == "int64":
        return generator.integers(0, np.asarray(given.rows or (1,)), shape)
    if given.mean is None:
        return generator.standard_normal(shape, np.float32)
    return generator.integers(0, 256, shape, np.uint8)
