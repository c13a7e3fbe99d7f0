"""How a task's answers are judged: the share that is right, or the mean squared error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeprune.data.dataset import Task


@dataclass(frozen=True)
class Score:
    """A task's metric.

    Attributes:
        name: of the history's columns, `train_NAME` and `val_NAME`.
        metric: as reports call it.
        factor: what a mean of `per_sample` is multiplied by.
        unit: of the product.
        answers: (N,) from a network's outputs: class ids or values.
        per_sample: (N,) from answers and targets: right or wrong, or the squared error.
    """

    name: str
    metric: str
    factor: float
    unit: str
    answers: Callable[[Tensor], Tensor]
    per_sample: Callable[[Tensor, Tensor], Tensor]

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
    100.0,
    " %",
    lambda outputs: outputs.argmax(1),
    lambda answers, targets: answers == targets,
)
MSE: Final = Score(
    "mse",
    "mse",
    1.0,
    "",
    lambda outputs: outputs.flatten().float(),
    lambda answers, targets: (answers.double() - targets.double()).square(),
)


def score_of(task: Task) -> Score:
    """The metric of a task."""
    return MSE if task == "regression" else TOP1


def score_of_row(row: Mapping[str, Any]) -> Score:
    """The metric that a history row holds."""
    return MSE if f"val_{MSE.name}" in row else TOP1
