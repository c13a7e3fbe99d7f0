"""A model file, or an architecture, as figures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.models.factory import load_factory
from edgeprune.models.input_shape import require_same, specs_of
from edgeprune.models.inputs import InputSpec
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.loaded import LoadedModel
from edgeprune.models.registry import reads_ids
from edgeprune.models.skeleton import build_skeleton
from edgeprune.models.summary import ModelSummary, summarise
from edgeprune.wording import brief

_DEFAULT_CLASSES: Final = 10
_RGB: Final = 3
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Inspection:
    """What `edgeprune inspect` tells.

    Attributes:
        source: the file, or "" for fresh weights.
        arch: registry name, factory or class.
        arch_args: settings of the architecture.
        input_shape: (channels, height, width) that the MACs are for; the shape of the first input
            where the network takes no images.
        inputs: all that it takes.
        classes: number of named classes; None where there are no names.
        metrics: figures that came with the file.
        summary: layers, tables and sums, for one sample.
    """

    source: str
    arch: str
    arch_args: Mapping[str, Any]
    input_shape: tuple[int, ...]
    inputs: tuple[InputSpec, ...]
    classes: int | None
    metrics: Mapping[str, float]
    summary: ModelSummary

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; the summary's keys stand among the others."""
        values = asdict(self)
        return {**values, **values.pop("summary")}


def inspect_model(
    path: str | os.PathLike[str] | None = None,
    *,
    arch: str | None = None,
    model: str | None = None,
    num_classes: int | None = None,
    in_channels: int | None = None,
    image_size: int | None = None,
    trust_pickle: bool = False,
) -> Inspection:
    """Count a network's layers, parameters and MACs.

    Args:
        path: a model file; None for `arch` or `model` with fresh weights.
        arch: registry name; needed for a bare state_dict.
        model: `pkg.mod:factory` of the user's own network.
        num_classes: outputs of a fresh `arch` (default 10).
        in_channels: channels of the images (default: what the file says, else 3).
        image_size: their side in pixels (default: what the file says, else the side on which the
            architecture is usually trained).
        trust_pickle: whether code in the file may run.

    Raises:
        UserInputError: something is missing or unusable; one line.
    """
    if path is None:
        loaded = _fresh(arch, model, num_classes or _DEFAULT_CLASSES, in_channels or _RGB)
    else:
        loaded = load_model(path, ModelOptions(arch, model, trust_pickle=trust_pickle))
        require_same("--num-classes", num_classes, loaded.arch_args.get("num_classes"))
    specs = specs_of(loaded, in_channels, image_size)
    metrics = {key: value for key, value in loaded.metrics.items() if type(value) in (int, float)}
    return Inspection(
        source=loaded.source,
        arch=loaded.arch,
        arch_args=dict(loaded.arch_args),
        input_shape=specs[0].shape,
        inputs=specs,
        classes=len(loaded.classes) if loaded.classes else None,
        metrics=metrics,
        summary=run_on_sample(loaded, specs, summarise),
    )


def _fresh(arch: str | None, model: str | None, num_classes: int, channels: int) -> LoadedModel:
    if model:
        return LoadedModel(load_factory(model)(), model)
    if not arch:
        raise UserInputError("nothing to inspect: give a FILE, or --arch with a network's name")
    if reads_ids(arch):
        raise UserInputError(
            f"--arch {arch}: users and items size its tables; inspect the file that "
            f"`edgeprune train {arch} --data ratings:DIR` writes"
        )
    arch_args = {"num_classes": num_classes, "in_channels": channels}
    return LoadedModel(build_skeleton(arch, **arch_args).to("meta"), arch, arch_args)


def run_on_sample(
    loaded: LoadedModel,
    specs: Sequence[InputSpec],
    look: Callable[[nn.Module, tuple[Tensor, ...]], Seen],
) -> Seen:
    """What `look` finds when it runs the network on one black image, or on zeros and ids 0.

    Raises:
        UserInputError: the network cannot take such an image.
    """
    try:
        device = _device(loaded.module)
        sample = (
            torch.zeros(1, *spec.shape, dtype=getattr(torch, spec.dtype), device=device)
            for spec in specs
        )
        return look(loaded.module, tuple(sample))
    except Exception as error:
        size = "x".join(map(str, specs[0].shape))
        raise UserInputError(
            f"{loaded.source or loaded.arch}: cannot take a {size} image: {brief(error)}; "
            "give another --image-size or --in-channels"
        ) from error


def _device(module: nn.Module) -> torch.device:
    weight = next(module.parameters(), None)
    return torch.device("cpu") if weight is None else weight.device
