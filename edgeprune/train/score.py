"""How a task's answers are judged: the share that is right, the squared error, or the hits."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeprune.data.batch import Batch
from edgeprune.data.dataset import Data, Task
from edgeprune.train.ranking import hits, ranks

_RANKING: Final = re.compile(r"(?:val_)?hr_at_(\d+)")


@dataclass(frozen=True)
class Score:
    """A task's metric.

    Attributes:
        name: of the history's columns, `train_NAME` and `val_NAME`.
        metric: as reports call it.
        spoken: as people call it.
        factor: what a mean of `per_sample` is multiplied by.
        unit: of the product.
        answers: (N,) from a network's outputs for a batch: class ids, values or ranks.
        per_sample: (N,) from answers and targets: right or wrong, the squared error, hit or not.
        of_training: whether a training batch can be judged; a ranking's holds no lists.
    """

    name: str
    metric: str
    spoken: str
    factor: float
    unit: str
    answers: Callable[[Tensor, Batch], Tensor]
    per_sample: Callable[[Tensor, Tensor], Tensor]
    of_training: bool = True

    def mean(self, answers: NDArray[Any], targets: NDArray[Any]) -> float:
        """The metric of a whole split."""
        scores = self.per_sample(torch.from_numpy(answers), torch.from_numpy(targets))
        return self.factor * float(np.mean(scores.numpy(), dtype=np.float64))

    def text(self, value: float) -> str:
        """`71.23 %` or `0.5471`."""
        digits = 2 if self.unit else 4
        return f"{value:.{digits}f}{self.unit}"


TOP1: Final = Score(
    "top1",
    "top1_percent",
    "top-1",
    100.0,
    " %",
    lambda outputs, _batch: outputs.argmax(1),
    lambda answers, targets: answers == targets,
)
MSE: Final = Score(
    "mse",
    "mse",
    "MSE",
    1.0,
    "",
    lambda outputs, _batch: outputs.flatten().float(),
    lambda answers, targets: (answers.double() - targets.double()).square(),
)

_TASKS: Final[dict[str, Task]] = {TOP1.name: "classification", MSE.name: "regression"}


@functools.cache
def hit_rate(k: int) -> Score:
    """HR@k of a ranking."""
    name = f"hr_at_{k}"
    return Score(
        name, name, f"HR@{k}", 1.0, "", _ranks, lambda rank, _targets: hits(rank, k), False
    )


def score_of(data: Data) -> Score:
    """The metric of the data's task."""
    if data.task == "ranking":
        return hit_rate(data.top_k)
    return MSE if data.task == "regression" else TOP1


def task_of(column: str) -> Task | None:
    """The task whose metric a checkpoint calls `val_NAME` or `test_NAME`."""
    name = column.removeprefix("val_").removeprefix("test_")
    if _RANKING.fullmatch(name):
        return "ranking"
    return _TASKS.get(name)


def score_of_row(row: Mapping[str, Any]) -> Score:
    """The metric that a history row holds."""
    for column in row:
        found = _RANKING.fullmatch(column)
        if found:
            return hit_rate(int(found[1]))
    return MSE if f"val_{MSE.name}" in row else TOP1


def _ranks(outputs: Tensor, batch: Batch) -> Tensor:
    assert batch.candidates is not None, "a ranking is judged by whole lists"
    return ranks(outputs, batch.candidates)
