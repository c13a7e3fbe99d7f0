"""From a user's arrays to what the models take."""

from __future__ import annotations

from typing import Mapping, Sequence

import numpy as np

from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import BundleInput
from edgeprune.device.ids import IdRows


def prepare(samples: np.ndarray, given: BundleInput) -> np.ndarray:
    """Normalised float32 of shape (samples, *shape).

    Images are uint8: one or a batch, channels first or last, grey ones without that axis too; they
    become `(x / 255 - mean) / std`. Where a bundle stores no such values, samples of the input's
    type are taken as they are.

    Raises:
        BundleError: samples of another type or shape.
        UnknownIdError: ids that the models' tables lack.
    """
    if given.mean is None or given.std is None:
        return _as_they_are(samples, given)
    if samples.dtype != np.uint8:
        raise BundleError(
            f"images of type {samples.dtype}: give uint8, 0 to 255; they are normalised here"
        )
    images = _channels_first(samples, given.shape)
    scale = [1 / (255 * std) for std in given.std]
    shift = [-mean / std for mean, std in zip(given.mean, given.std)]
    return np.asarray(images * _per_channel(scale) + _per_channel(shift), np.float32)


def _as_they_are(samples: np.ndarray, given: BundleInput) -> np.ndarray:
    if samples.ndim == len(given.shape):
        samples = samples[None]
    if samples.dtype != given.dtype or samples.shape[1:] != given.shape or not len(samples):
        raise BundleError(
            f"samples of type {samples.dtype} and shape {samples.shape}: give {given.dtype} "
            f"(samples, {', '.join(map(str, given.shape))})"
        )
    if given.rows:
        IdRows(given.rows, given.columns).check(given.name, samples)
    return samples


def prepare_all(
    samples: Mapping[str, np.ndarray], inputs: Sequence[BundleInput]
) -> dict[str, np.ndarray]:
    """The same for every input by name.

    Raises:
        BundleError: an input is missing or unknown, or they are of different numbers of samples;
            see `prepare`, too.
        UnknownIdError: see `prepare`.
    """
    names = [given.name for given in inputs]
    if sorted(samples) != sorted(names):
        raise BundleError(f"the models take {', '.join(names)}; given: {', '.join(samples) or '-'}")
    ready = {
        given.name: prepare(_array(given.name, samples[given.name]), given) for given in inputs
    }
    counts = {name: len(values) for name, values in ready.items()}
    if len(set(counts.values())) > 1:
        raise BundleError(f"inputs of different numbers of samples: {counts}")
    return ready


def _array(name: str, samples: object) -> np.ndarray:
    """Lists of numbers are taken, too."""
    try:
        return np.asarray(samples)
    except ValueError as failure:
        raise BundleError(f"{name}: samples of different shapes: give one array") from failure


def _channels_first(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    channels, height, width = shape
    last = (height, width, channels)
    for candidate in _batched(images, channels):
        if candidate.shape[1:] == tuple(shape) and len(candidate):
            return candidate
        if candidate.shape[1:] == last and len(candidate):
            return np.ascontiguousarray(candidate.transpose(0, 3, 1, 2))
    raise BundleError(
        f"images of shape {images.shape}: give (samples, {channels}, {height}, {width}) or "
        f"(samples, {height}, {width}, {channels}), or one image"
    )


def _batched(images: np.ndarray, channels: int) -> list[np.ndarray]:
    """Ways to read an array as (samples, ., ., .)."""
    if images.ndim == 4:
        return [images]
    if images.ndim == 3:
        return [images[None], *([images[:, None]] if channels == 1 else [])]
    return [images[None, None]] if images.ndim == 2 and channels == 1 else []


def _per_channel(values: list[float]) -> np.ndarray:
    return np.asarray(values, np.float32)[:, None, None]
