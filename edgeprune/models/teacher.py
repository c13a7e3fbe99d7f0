"""All the ways to give a teacher, checked before a run starts."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import UserInputError
from edgeprune.models.blank import blank_inputs
from edgeprune.models.classes import class_mapping
from edgeprune.models.inputs import input_specs
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.loaded import LoadedModel
from edgeprune.wording import brief

__all__ = ["LoadedModel", "class_mapping", "load_teacher"]


def load_teacher(
    path: str | os.PathLike[str],
    *,
    arch: str | None = None,
    model: str | None = None,
    num_classes: int | None = None,
    in_channels: int | None = None,
    image_size: tuple[int, int] | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    trust_pickle: bool = False,
) -> LoadedModel:
    """Read a teacher and run it once on a blank image.

    A teacher is one of: our checkpoint; a bare state_dict with `arch`, or with `model`; with
    `trust_pickle` an exported program (`.pt2`) or a pickled module. `X.json` beside `X.pt` may
    give `mean, std, classes, image_size`.

    Args:
        path: the model file.
        arch: zoo or torchvision name of a bare state_dict's network.
        model: `pkg.mod:factory` of the user's own network.
        num_classes: of the data. Only a teacher without class names must have as many outputs:
            named ones are matched by name (`class_mapping`).
        in_channels: of the data's images.
        image_size: (height, width) of the data's images, for a file that does not say its own.
        mean: per channel, of images scaled to [0, 1]; goes before what the files say.
        std: per channel, of images scaled to [0, 1]; goes before what the files say.
        trust_pickle: whether code in the file may run.

    Raises:
        UserInputError: something is missing, unknown or contradictory. One line naming the file,
            the option and the remedy.
        CorruptFileError: the file is truncated, damaged or crafted.
    """
    options = ModelOptions(arch, model, image_size, mean, std, trust_pickle)
    loaded = load_model(path, options)
    if loaded.preprocessing is None:
        raise UserInputError(
            f"{path}: how its images were normalised is unknown; pass --mean and --std, or write "
            f"mean and std (and classes) into {Path(path).with_suffix('.json')}"
        )
    if in_channels and loaded.preprocessing.channels != in_channels:
        has_ids = input_specs(loaded.module) is not None
        samples, parts = ("samples", "ids") if has_ids else loaded.preprocessing.words
        raise UserInputError(
            f"{path}: takes {samples} of {loaded.preprocessing.channels} {parts}, the data's have "
            f"{in_channels}; use a teacher trained on such {samples}"
        )
    _check_outputs(loaded, _blank_run(loaded, loaded.preprocessing), num_classes)
    return loaded


def _blank_run(loaded: LoadedModel, preprocessing: Preprocessing) -> Tensor:
    weight = next(loaded.module.parameters(), torch.zeros(()))
    inputs = blank_inputs(loaded.module, preprocessing, 2, device=weight.device, dtype=weight.dtype)
    try:
        with torch.no_grad():
            outputs = loaded.module(*inputs)
    except Exception as error:
        size = "x".join(map(str, inputs[0].shape[1:]))
        raise UserInputError(
            f"{loaded.source}: the teacher cannot take {size} images: {brief(error)}"
        ) from error
    if not isinstance(outputs, Tensor) or outputs.dim() < 1:
        raise UserInputError(
            f"{loaded.source}: the teacher returns a {type(outputs).__name__}, not a tensor of "
            "(batch, classes)"
        )
    return outputs


def _check_outputs(loaded: LoadedModel, outputs: Tensor, num_classes: int | None) -> None:
    count = outputs.shape[1] if outputs.dim() > 1 else 1
    if loaded.classes is not None and len(loaded.classes) != count:
        raise UserInputError(
            f"{loaded.source}: {len(loaded.classes)} class names for {count} outputs"
        )
    if loaded.classes is None and num_classes and num_classes != count:
        raise UserInputError(
            f"{loaded.source}: the teacher has {count} outputs, the data {num_classes} classes; "
            f"name its classes in {Path(loaded.source).with_suffix('.json')}"
        )
