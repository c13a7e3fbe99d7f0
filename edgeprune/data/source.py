"""What every reader of a data set returns, and how it becomes a `Data`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from edgeprune.data.augment import default_policy
from edgeprune.data.dataset import Data, SplitName, Task
from edgeprune.data.preprocessing import Preprocessing
from edgeprune.data.randomness import keyed_generator
from edgeprune.data.samples import Samples
from edgeprune.data.split import Split, carve, limit
from edgeprune.data.statistics import mean_and_std
from edgeprune.errors import UserInputError


@dataclass(frozen=True)
class Labelled:
    """Inputs with their targets: (N,) int64 class numbers or float32 values."""

    samples: Samples
    targets: Tensor


@dataclass(frozen=True)
class Source:
    """A data set as it was found.

    Attributes:
        name: for people and reports.
        classes: names in the order of the targets.
        image_size: (height, width) that networks get; stored images may be larger.
        channels: of the images.
        train: training samples.
        test: test samples.
        val: validation samples, or None to carve them from `train`.
        mean: per channel of images in [0, 1], or None to compute it and `std` from training.
        std: see `mean`.
        policy: augmentation that suits this data set, or "" to choose by image size.
        task: decides the loss and the metric.
        normalised: whether images are float and go to networks as they are.
        attachments: see `Data`.
        input_args: what a network has to know of the inputs besides their channels.
        inputs_digest: see `Data`.
        notes: see `Data`.
    """

    name: str
    classes: tuple[str, ...]
    image_size: tuple[int, int]
    channels: int
    train: Labelled
    test: Labelled
    val: Labelled | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    policy: str = ""
    task: Task = "classification"
    normalised: bool = False
    attachments: Mapping[str, str] = field(default_factory=dict)
    input_args: Mapping[str, Any] = field(default_factory=dict)
    inputs_digest: str | None = None
    notes: tuple[str, ...] = ()


def assemble(
    source: Source, *, seed: int, val_fraction: float, train_limit: int | None, augment: str | None
) -> Data:
    """Split, measure and name.

    Validation is carved before `train_limit` shortens training, so that it is the same for all
    limits.

    Raises:
        UserInputError: when labels are unusable or a split would be empty.
    """
    for name, part in (("train", source.train), ("val", source.val), ("test", source.test)):
        if part is not None:
            _check_targets(source, name, part.targets)
    splits = _splits(source, seed, val_fraction)
    if train_limit is not None:
        train = splits["train"]
        generator = keyed_generator(seed, "train_limit")
        kept = limit(train.positions, train.targets, train_limit, generator)
        splits["train"] = Split(train.samples, train.targets, kept)
    mean, std = source.mean, source.std
    if mean is None or std is None:
        mean, std = mean_and_std(splits["train"].samples, splits["train"].positions)
    return Data(
        name=source.name,
        classes=source.classes,
        preprocessing=Preprocessing(mean, std, source.image_size, source.channels),
        splits=splits,
        augment=augment or source.policy or default_policy(source.image_size),
        task=source.task,
        normalised=source.normalised,
        attachments=source.attachments,
        input_args=source.input_args,
        inputs_digest=source.inputs_digest,
        notes=source.notes,
    )


def _splits(source: Source, seed: int, val_fraction: float) -> dict[SplitName, Split]:
    train, test = _whole(source.train), _whole(source.test)
    if source.val is not None:
        return {"train": train, "val": _whole(source.val), "test": test}
    rest, carved = carve(train.targets, val_fraction, keyed_generator(seed, "split"))
    return {
        "train": Split(train.samples, train.targets, rest),
        "val": Split(train.samples, train.targets, carved),
        "test": test,
    }


def _whole(part: Labelled) -> Split:
    return Split(part.samples, part.targets, torch.arange(len(part.targets)))


def _check_targets(source: Source, split: str, targets: Tensor) -> None:
    where = f"{source.name}, {split} split"
    if len(targets) == 0:
        raise UserInputError(f"{where}: no samples")
    if source.task == "regression":
        return
    if len(source.classes) < 2:
        raise UserInputError(f"{where}: {len(source.classes)} class(es); at least 2 are needed")
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= len(source.classes):
        raise UserInputError(
            f"{where}: labels run from {low} to {high}, but the {len(source.classes)} classes are "
            f"numbered 0 to {len(source.classes) - 1}"
        )
