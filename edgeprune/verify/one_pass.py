"""One pass over the test split for all networks, so that it is read once however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeprune.data.batch import Batch
from edgeprune.data.dataset import Data
from edgeprune.errors import UserInputError
from edgeprune.train.evaluate import EVAL_BATCH
from edgeprune.train.score import score_of
from edgeprune.verify.difference import Difference
from edgeprune.verify.networks import Inputs, Network


@dataclass(frozen=True)
class OnePass:
    """What all networks did on the same test samples.

    Attributes:
        samples: how many.
        exact: PyTorch's score of each sample: whether the class is right (0 or 1), the squared
            error where the task is regression, or whether a ranking's list has the item.
        scores: the other networks', by name.
        agreement: by name, the share of samples with PyTorch's class; of classes alone.
        differences: of the outputs from PyTorch's, by name.
    """

    samples: int
    exact: NDArray[np.float64]
    scores: dict[str, NDArray[np.float64]]
    agreement: dict[str, float]
    differences: dict[str, Difference]


def run_pass(
    reference: Network,
    networks: Mapping[str, Network],
    data: Data,
    columns: Tensor | None,
    limit: int | None,
) -> OnePass:
    """Run every network on the test split.

    Args:
        reference: the PyTorch network.
        networks: the others, by a name that messages may use.
        columns: the network's output of every class of the data; None where they agree.
        limit: use only so many images, spread evenly over the split.

    Raises:
        UserInputError: a network's outputs have other shapes than PyTorch's, or they do not fit
            the data.
    """
    gathered = _Gathered(networks, data, columns)
    for batch in _batches(data, limit):
        inputs = tuple(tensor.numpy() for tensor in batch.inputs)
        exact = reference(inputs)
        _require_answers(exact[0], inputs, data, columns)
        gathered.add("", exact, exact, batch)
        for name, network in networks.items():
            gathered.add(name, exact, network(inputs), batch)
    return gathered.ended()


class _Gathered:
    """Scores and answers of the networks so far; PyTorch's under an empty name."""

    def __init__(self, networks: Mapping[str, Network], data: Data, columns: Tensor | None) -> None:
        names = ("", *networks)
        self._has_classes = data.task == "classification"
        self._score = score_of(data)
        self._columns = columns
        self._scores: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        self._answers: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        self._differences = {name: Difference() for name in names}

    def add(
        self,
        name: str,
        exact: list[NDArray[Any]],
        found: list[NDArray[Any]],
        batch: Batch,
    ) -> None:
        self._differences[name].add(name, exact, found)
        outputs = torch.from_numpy(np.ascontiguousarray(found[0]))
        if self._columns is not None:
            outputs = outputs.index_select(1, self._columns)
        answers = self._score.answers(outputs, batch)
        scores = self._score.per_sample(answers, batch.targets)
        self._scores[name].append(scores.double().numpy())
        self._answers[name].append(answers.numpy())

    def ended(self) -> OnePass:
        scores = {name: np.concatenate(parts) for name, parts in self._scores.items()}
        answers = {name: np.concatenate(parts) for name, parts in self._answers.items()}
        exact = scores.pop("")
        agreement = (
            {name: float(np.mean(answers[name] == answers[""])) for name in scores}
            if self._has_classes
            else {}
        )
        differences = {name: self._differences[name] for name in scores}
        return OnePass(len(exact), exact, scores, agreement, differences)


def _batches(data: Data, limit: int | None) -> Iterator[Batch]:
    """The test split, which may be sorted by class: a limit takes from all over."""
    size = data.size("test")
    taken = torch.zeros(size, dtype=torch.bool)
    taken[np.linspace(0, size - 1, min(limit or size, size)).round().astype(int)] = True
    for batch in data.batches("test", batch_size=EVAL_BATCH):
        samples = taken[batch.index].nonzero().flatten()
        if len(samples):
            yield batch.taken(samples)


def _require_answers(
    outputs: NDArray[Any], inputs: Inputs, data: Data, columns: Tensor | None
) -> None:
    count = len(inputs[0])
    if data.task != "classification":
        if outputs.size != count:
            raise UserInputError(
                f"--data {data.name}: has one value per sample, the network gives {outputs.shape} "
                f"for {count}: give the data it was trained on"
            )
        return
    width = outputs.shape[1] if outputs.ndim == 2 else 0
    if columns is None and width != len(data.classes):
        raise UserInputError(
            f"--data {data.name}: has {len(data.classes)} classes, the network gives "
            f"{outputs.shape} for {count} images: give the data it was trained on"
        )
