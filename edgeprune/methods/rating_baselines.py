"""Predictors of ratings that need no network: the mean, biases, and gradient-boosted trees.

Biases are ridge regression on one column per user and item: what a user gives above the mean, and
an item gets (Koren, "Factorization Meets the Neighborhood", KDD 2008, equation 1). Trees read the
biases and the counts; those of a training rating are fitted without its fold, or they would know
the answer. The penalty is chosen on the validation split.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeprune.data.dataset import Data, SplitName
from edgeprune.methods.baselines import CONSTANT, TREES, Baselines

BIASES: Final = "biases (ridge on ids)"
_PENALTIES: Final = (1.0, 3.0, 10.0, 30.0)
_SWEEPS: Final = 15  # of alternating between users and items; the change is then below 1e-4
_FOLDS: Final = 5
_BATCH: Final = 8192

Array = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class _Ratings:
    user: Ids
    item: Ids
    rating: Array

    def __getitem__(self, chosen: NDArray[np.bool_]) -> _Ratings:
        return _Ratings(self.user[chosen], self.item[chosen], self.rating[chosen])


@dataclass(frozen=True)
class _Biases:
    mean: float
    of_user: Array
    of_item: Array
    user_count: Array
    item_count: Array

    @classmethod
    def fit(cls, ratings: _Ratings, rows: tuple[int, int], penalty: float) -> _Biases:
        mean = float(ratings.rating.mean())
        counts = [np.bincount(ids, minlength=n).astype(np.float64)
                  for ids, n in zip((ratings.user, ratings.item), rows, strict=True)]  # fmt: skip
        of_user, of_item = np.zeros(rows[0]), np.zeros(rows[1])
        for _ in range(_SWEEPS):
            left = ratings.rating - mean - of_user[ratings.user]
            of_item = np.bincount(ratings.item, left, rows[1]) / (counts[1] + penalty)
            left = ratings.rating - mean - of_item[ratings.item]
            of_user = np.bincount(ratings.user, left, rows[0]) / (counts[0] + penalty)
        return cls(mean, of_user, of_item, *counts)

    def predict(self, user: Ids, item: Ids) -> Array:
        values: Array = self.mean + self.of_user[user] + self.of_item[item]
        return values

    def columns(self, user: Ids, item: Ids) -> Array:
        """(N, 4): what trees read."""
        counts = (np.log1p(self.user_count[user]), np.log1p(self.item_count[item]))
        return np.stack([self.of_user[user], self.of_item[item], *counts], axis=1)


def fit_rating_baselines(data: Data, seed: int) -> Baselines:
    """Fit all that the data allows, on its train split; the test split is not read."""
    train, val = _ratings(data, "train"), _ratings(data, "val")
    users, items = data.arch_args["rows"][:2]
    fits = [_Biases.fit(train, (users, items), penalty) for penalty in _PENALTIES]
    errors = [np.mean((fit.predict(val.user, val.item) - val.rating) ** 2) for fit in fits]
    chosen = int(np.argmin(errors))
    found = Baselines(
        {
            CONSTANT: functools.partial(_constant, data.target_mean()),
            BIASES: functools.partial(_of_ids, fits[chosen].predict),
        },
        {},
    )
    try:
        trees = _fit_trees(train, (users, items), _PENALTIES[chosen], seed)
        found.forwards[TREES] = functools.partial(
            _of_ids, lambda user, item: trees(fits[chosen].columns(user, item))
        )
    except ImportError:
        found.missing[TREES] = "scikit-learn is not installed (pip install 'edgeprune[demo]')"
    return found


def _fit_trees(
    train: _Ratings, rows: tuple[int, int], penalty: float, seed: int
) -> Callable[[Array], Array]:
    """A function from columns to ratings."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    fold = np.random.default_rng(seed).integers(_FOLDS, size=len(train.rating))
    columns = np.empty((len(fold), 4))
    for number in range(_FOLDS):
        own = fold == number
        fit = _Biases.fit(train[~own], rows, penalty)
        columns[own] = fit.columns(train.user[own], train.item[own])
    trees = HistGradientBoostingRegressor(
        learning_rate=0.06, max_iter=300, max_leaf_nodes=15, early_stopping=True, random_state=seed
    )
    trees.fit(columns, train.rating)
    return trees.predict  # type: ignore[no-any-return]


def _constant(mean: float, inputs: tuple[Tensor, ...]) -> Tensor:
    return torch.full((len(inputs[0]),), mean)


def _of_ids(predict: Callable[[Ids, Ids], Array], inputs: tuple[Tensor, ...]) -> Tensor:
    ids = inputs[0].cpu().numpy()
    return torch.from_numpy(predict(ids[:, 0], ids[:, 1]))


def _ratings(data: Data, split: SplitName) -> _Ratings:
    batches = list(data.batches(split, batch_size=_BATCH))
    ids = np.concatenate([batch.inputs[0][:, :2].numpy() for batch in batches])
    rating = np.concatenate([batch.targets.double().numpy() for batch in batches])
    return _Ratings(ids[:, 0], ids[:, 1], rating)
