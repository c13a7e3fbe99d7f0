"""A user's own data: `--data pkg.mod:factory`.

The factory takes no arguments and returns a `Data`, or a mapping

    {"train": ..., "test": ..., "val": ...(optional), "classes": ..., "mean": ..., "std": ...,
     "augment": ...}                                                           (all optional)

whose splits are (images, labels) pairs of arrays or torch data sets of (image, label) items.
Images are uint8 (N, C, H, W), which we normalise, or float, which go to networks as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from edgeprune.data.dataset import Data
from edgeprune.data.map_dataset import is_map_dataset, told, wrap_dataset
from edgeprune.data.samples import MemorySamples
from edgeprune.data.source import Labelled, Source
from edgeprune.errors import UserInputError
from edgeprune.importing import import_function

_KEYS = {"train", "val", "test", "classes", "mean", "std", "augment"}


def load_user_data(spec: str, image_size: int | None = None) -> Source | Data:
    """Import `pkg.mod`, call `factory` and wrap what it returns; a `Data` comes back as it is.

    Raises:
        UserInputError: one line when the import or the call fails, or the result is unusable.
    """
    factory = import_function(spec, "--data")
    try:
        made = factory()
    except Exception as error:
        raise UserInputError(f"--data {spec}: the factory failed: {told(error)}") from error
    if isinstance(made, Data):
        return made
    if not isinstance(made, Mapping) or not {"train", "test"} <= set(made) <= _KEYS:
        raise UserInputError(
            f"--data {spec}: the factory must return a Data or a mapping with train and test, and "
            f"perhaps {', '.join(sorted(_KEYS - {'train', 'test'}))}"
        )
    return _source(spec, made, image_size)


def _source(spec: str, made: Mapping[str, Any], image_size: int | None) -> Source:
    parts = {
        name: _labelled(f"--data {spec}: {name}", made[name], image_size)
        for name in ("train", "val", "test")
        if made.get(name) is not None
    }
    shapes = {name: _image_shape(f"--data {spec}: {name}", part) for name, part in parts.items()}
    if len(set(shapes.values())) > 1:
        raise UserInputError(f"--data {spec}: the splits' images differ: {shapes}")
    dtype, channels, height, width = shapes["train"]
    mean, std = (_per_channel(spec, made, key) for key in ("mean", "std"))
    normalised = dtype.is_floating_point
    regression = parts["train"].targets.is_floating_point()
    return Source(
        name=spec,
        classes=() if regression else _classes(spec, made, parts["train"].targets),
        image_size=(height, width),
        channels=channels,
        train=parts["train"],
        test=parts["test"],
        val=parts.get("val"),
        mean=(0.0,) * channels if normalised and mean is None else mean,
        std=(1.0,) * channels if normalised and std is None else std,
        # What may be done to a user's images is theirs to say: a mirrored road sign is another.
        policy=str(made.get("augment") or "none"),
        task="regression" if regression else "classification",
        normalised=normalised,
    )


def _labelled(where: str, given: object, image_size: int | None) -> Labelled:
    if is_map_dataset(given):
        samples, targets = wrap_dataset(where, given, image_size)
        return Labelled(samples, _targets(where, targets))
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise UserInputError(f"{where}: expected (images, labels) or a torch data set")
    images, labels = (_tensor(where, values) for values in given)
    if len(images) != len(labels):
        raise UserInputError(f"{where}: {len(images)} images but {len(labels)} labels")
    if not len(images):
        raise UserInputError(f"{where}: no samples")
    return Labelled(MemorySamples(images, image_size=image_size), _targets(where, labels))


def _tensor(where: str, values: object) -> Tensor:
    try:
        tensor = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserInputError(f"{where}: cannot be made a tensor: {told(error)}") from error
    return tensor.float() if tensor.is_floating_point() else tensor


def _targets(where: str, labels: Tensor) -> Tensor:
    if labels.dim() != 1:
        raise UserInputError(f"{where}: labels have shape {tuple(labels.shape)}, expected (N,)")
    return labels if labels.is_floating_point() else labels.long()


def _image_shape(where: str, part: Labelled) -> tuple[torch.dtype, int, int, int]:
    images = part.samples.gather(torch.tensor([0]), draw=0)[0]
    if images.dim() != 4 or not (images.dtype == torch.uint8 or images.is_floating_point()):
        raise UserInputError(
            f"{where}: images are {images.dtype} {tuple(images.shape)}, expected uint8 or float "
            "(N, C, H, W)"
        )
    return (images.dtype, images.shape[1], images.shape[2], images.shape[3])


def _classes(spec: str, made: Mapping[str, Any], targets: Tensor) -> tuple[str, ...]:
    given = made.get("classes")
    if given is None:
        return tuple(str(number) for number in range(int(targets.max()) + 1))
    if isinstance(given, str) or not all(isinstance(name, str) for name in given):
        raise UserInputError(f"--data {spec}: classes must be a list of strings")
    return tuple(given)


def _per_channel(spec: str, made: Mapping[str, Any], key: str) -> tuple[float, ...] | None:
    given = made.get(key)
    if given is None:
        return None
    try:
        return tuple(float(value) for value in given)
    except (TypeError, ValueError) as error:
        raise UserInputError(f"--data {spec}: {key} must be a number per channel") from error
