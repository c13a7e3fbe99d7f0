"""What post-training quantisation is told: how to calibrate, and what must not be lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.dataset import Data
from edgeprune.errors import UserInputError
from edgeprune.export.precision.survey import Feed
from edgeprune.export.precision.thresholds import THRESHOLDS

_BATCH = 64
_EVAL_BATCH = 64  # FP16 is emulated in several FP32 values a value
METHODS = (*THRESHOLDS, "auto")

# What a network is worth on labelled data: points of a metric, the higher the better.
Forward = Callable[[Feed], NDArray[np.float32]]
Score = Callable[[Forward], float]
# Told what is being done, how many of it are done, and of how many.
Counting = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Calibration:
    """Settings of post-training quantisation.

    Attributes:
        method: one of `METHODS`; `auto` takes that with the least noise on the output.
        ends: quantise the layers that read the input and give the output too.
        learned: by PyTorch module, the step of its input that training chose; used in place of
            what calibration says.
        score: the metric that layers are put back for; None puts none back.
        max_accuracy_drop: points of it that may be lost.
        ranks: measure what each place costs alone, a run each; done anyway to put layers back.
        count: told how far it is.
    """

    method: str = "auto"
    ends: bool = False
    learned: Mapping[str, float] = field(default_factory=dict)
    score: Score | None = None
    max_accuracy_drop: float | None = None
    ranks: bool = True
    count: Counting = silent

    def __post_init__(self) -> None:
        require_method(self.method)


def require_method(name: str) -> None:
    """Refuse a method that there is not.

    Raises:
        UserInputError: one line with those that there are.
    """
    if name not in METHODS:
        raise UserInputError(f"--calibration {name}: use {', '.join(METHODS)}")


def calibration_feeds(data: Data, input_names: tuple[str, ...], samples: int) -> list[Feed]:
    """Training images as the network sees them, nothing augmented.

    Args:
        samples: how many; fewer where there are fewer.
    """
    batch = max(2, min(_BATCH, samples, data.size("train")))  # training batches hold two at least
    feeds: list[Feed] = []
    for found in data.train_batches(epoch=0, batch_size=batch, seed=0, augment=False):
        left = samples - len(feeds) * batch
        arrays = [tensor[:left].numpy() for tensor in found.inputs]
        feeds.append(dict(zip(input_names, arrays, strict=True)))
        if left <= batch:
            break
    return feeds


def top1_score(data: Data, input_names: tuple[str, ...]) -> Score:
    """Top-1 accuracy in percent on the validation split."""

    def score(forward: Forward) -> float:
        right = total = 0
        for batch in data.batches("val", batch_size=_EVAL_BATCH):
            arrays = [tensor.numpy() for tensor in batch.inputs]
            found = forward(dict(zip(input_names, arrays, strict=True))).argmax(1)
            right += int((found == batch.targets.numpy()).sum())
            total += len(found)
        return 100.0 * right / total

    return score
