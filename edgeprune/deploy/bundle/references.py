"""Inputs and outputs that a board is checked by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.deploy.bundle.request import BundleRequest
from edgeprune.device.bundle.manifest import BundleInput
from edgeprune.device.bundle.preprocess import prepare
from edgeprune.errors import UserInputError
from edgeprune.export.names import input_names
from edgeprune.export.sources import source_data
from edgeprune.models.input_shape import image_shape
from edgeprune.models.loaded import LoadedModel
from edgeprune.verify.graphs import read_graph
from edgeprune.verify.networks import onnx_network

SAMPLES = 32
_MOST_BYTES = 64 << 20  # of outputs: those of a segmentation would outweigh all else in a bundle


def bundle_input(loaded: LoadedModel, request: BundleRequest) -> BundleInput:
    """What a network takes.

    Raises:
        UserInputError: nothing says how large its images are.
    """
    stored = loaded.preprocessing
    if stored is not None and stored.image_size == (1, 1):
        stored = None  # a row of features, not pixels: it reaches the network as it is
    return BundleInput(
        name=input_names(1)[0],
        shape=image_shape(loaded, request.in_channels, request.image_size),
        mean=None if stored is None else tuple(stored.mean),
        std=None if stored is None else tuple(stored.std),
    )


def reference_inputs(
    loaded: LoadedModel, run: Path, spec: str | None, given: BundleInput
) -> tuple[NDArray[Any], str]:
    """Samples as a user gives them, and what they are.

    Images of the validation split, since the test split is read once; random ones, said so, where
    the run's own data is not on this machine.

    Raises:
        UserInputError: data that was asked for cannot be used.
    """
    try:
        data = source_data(loaded, given.shape[1], run, spec, "--data")
    except UserInputError as failure:
        if spec is not None:
            raise
        return _random(given), f"random inputs ({failure})"
    if data is None:
        return _random(given), "random inputs, since nothing says what data the network is for"
    batch = next(iter(data.batches("val", batch_size=SAMPLES)))
    samples = batch.inputs[0].numpy()
    if given.mean is None or given.std is None:
        return np.ascontiguousarray(samples, np.float32), f"{data.name}, validation split"
    mean, std = (np.reshape(np.asarray(v), (1, -1, 1, 1)) for v in (given.mean, given.std))
    pixels = np.rint((samples * std + mean) * 255).clip(0, 255).astype(np.uint8)
    return pixels, f"{data.name}, validation split"


def reference_outputs(path: Path, samples: NDArray[Any], given: BundleInput) -> NDArray[Any]:
    """What ONNX Runtime computes here, from what the board's code makes of the samples.

    Returns:
        As many samples as a bundle should carry outputs of, at least one.
    """
    with onnx_network(read_graph(path)) as network:
        first = network((np.asarray(prepare(samples[:1], given)),))[0]
        count = max(1, min(len(samples), _MOST_BYTES // max(first.nbytes, 1)))
        return network((np.asarray(prepare(samples[:count], given)),))[0]


def _random(given: BundleInput) -> NDArray[Any]:
    generator = np.random.default_rng(0)
    if given.mean is None:
        return generator.standard_normal((SAMPLES, *given.shape), np.float32)
    return generator.integers(0, 256, (SAMPLES, *given.shape), np.uint8)
