"""Recommenders that need no network: the most popular items, and a linear model of items.

Popularity gives everyone the same list. EASE predicts a user's items from the user's other items by
one weight per pair of items, in closed form (Steck, "Embarrassingly Shallow Autoencoders for Sparse
Data", WWW 2019, arXiv 1905.03375). Both see the training interactions alone; the penalty is chosen
on the validation split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeprune.data.dataset import Data
from edgeprune.methods.baselines import Baselines
from edgeprune.train.evaluate import predict
from edgeprune.train.score import score_of

POPULARITY, EASE = "popularity", "EASE (linear)"
_PENALTIES: Final = (50.0, 150.0, 500.0, 1500.0)
_MOST_ITEMS: Final = 6_000  # beyond, inverting items x items takes minutes
_MOST_SCORES: Final = 50_000_000  # users x items
_BATCH: Final = 8192


def fit_ranking_baselines(data: Data) -> Baselines:
    """Fit all that the data allows, on its train split; the test split is not read."""
    ids = np.concatenate(
        [batch.inputs[0][:, :2].numpy() for batch in data.batches("train", batch_size=_BATCH)]
    )
    users, items = data.arch_args["rows"][:2]
    popular = torch.from_numpy(np.bincount(ids[:, 1], minlength=items)).double()
    found = Baselines({POPULARITY: lambda inputs: popular[inputs[0][:, 1].cpu()]}, {})
    if items > _MOST_ITEMS or users * items > _MOST_SCORES:
        found.missing[EASE] = f"{users - 1:,} users and {items - 1:,} items are more than it is for"
        return found
    taken = np.zeros((users, items), dtype=np.float64)
    taken[ids[:, 0], ids[:, 1]] = 1.0
    fits = [_Table(torch.from_numpy(_ease(taken, penalty))) for penalty in _PENALTIES]
    named = {str(number): fit for number, fit in enumerate(fits)}
    answers = predict(named, data, "val", torch.device("cpu"))
    score = score_of(data)
    found.forwards[EASE] = max(
        named.items(), key=lambda fit: score.mean(answers[fit[0]], answers["targets"])
    )[1]
    return found


@dataclass(frozen=True)
class _Table:
    """A score for each user (row) and item (column)."""

    scores: Tensor

    def __call__(self, inputs: tuple[Tensor, ...]) -> Tensor:
        ids = inputs[0].cpu()
        return self.scores[ids[:, 0], ids[:, 1]]


def _ease(taken: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    """(users, items) scores; the weights are equation 8 of the paper."""
    inverse = np.linalg.inv(taken.T @ taken + penalty * np.eye(taken.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    scores: NDArray[np.float64] = taken @ weights
    return scores
