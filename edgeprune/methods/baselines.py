"""Predictors of a value that need no network: what a network has to beat.

The mean of the training targets, ridge regression and gradient-boosted trees, on the inputs that
the network gets. Settings are chosen on the validation split.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeprune.data.dataset import Data
from edgeprune.train.evaluate import Forward

CONSTANT, RIDGE, TREES = "constant", "ridge", "gradient-boosted trees"
_PENALTIES: Final = (1.0, 10.0, 100.0, 300.0, 1000.0, 3000.0)
_WIDEST: Final = 4096  # inputs; beyond, ridge's normal equations take minutes
_BATCH: Final = 1024

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Baselines:
    """What was fitted.

    Attributes:
        forwards: predictors by name, as networks are called.
        missing: why one was not fitted, by name.
    """

    forwards: dict[str, Forward]
    missing: dict[str, str]


def fit_baselines(data: Data, seed: int) -> Baselines:
    """Fit all that the data allows, on its train split; the test split is not read."""
    mean = data.target_mean()
    forwards: dict[str, Forward] = {CONSTANT: functools.partial(_constant, mean)}
    width = sum(tensor[0].numel() for tensor in data.example_inputs(1))
    if width > _WIDEST:
        reason = f"an input has {width} numbers, more than {_WIDEST}"
        return Baselines(forwards, {RIDGE: reason, TREES: reason})
    train, val = _rows(data, "train"), _rows(data, "val")
    forwards[RIDGE] = functools.partial(_linear, _fit_ridge(*train, *val))
    missing = {}
    try:
        forwards[TREES] = _fit_trees(*train, seed)
    except ImportError:
        missing[TREES] = "scikit-learn is not installed (pip install 'edgeprune[demo]')"
    return Baselines(forwards, missing)


def _constant(mean: float, inputs: tuple[Tensor, ...]) -> Tensor:
    return torch.full((len(inputs[0]),), mean)


def _linear(weights: Array, inputs: tuple[Tensor, ...]) -> Tensor:
    return torch.from_numpy(_with_one(_flat(inputs)) @ weights)


def _fit_ridge(rows: Array, targets: Array, val_rows: Array, val_targets: Array) -> Array:
    """Weights with the intercept last, by the normal equations; the intercept is not shrunk."""
    rows, val_rows = _with_one(rows), _with_one(val_rows)
    gram, product = rows.T @ rows, rows.T @ targets
    shrunk = np.ones(len(gram))
    shrunk[-1] = 0.0
    fits = [np.linalg.lstsq(gram + p * np.diag(shrunk), product)[0] for p in _PENALTIES]
    return min(fits, key=lambda fit: float(np.mean((val_rows @ fit - val_targets) ** 2)))


def _fit_trees(rows: Array, targets: Array, seed: int) -> Forward:
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(
        learning_rate=0.06, max_iter=300, max_leaf_nodes=15, early_stopping=True, random_state=seed
    )
    trees.fit(rows, targets)
    return lambda inputs: torch.from_numpy(trees.predict(_flat(inputs)))


def _rows(data: Data, split: str) -> tuple[Array, Array]:
    batches = list(data.batches(split, batch_size=_BATCH))  # type: ignore[arg-type]
    rows = np.concatenate([_flat(batch.inputs) for batch in batches])
    return rows, np.concatenate([batch.targets.double().numpy() for batch in batches])


def _flat(inputs: tuple[Tensor, ...]) -> Array:
    """(samples, numbers) of all inputs, side by side."""
    return np.concatenate([tensor.flatten(1).double().cpu().numpy() for tensor in inputs], axis=1)


def _with_one(rows: Array) -> Array:
    return np.column_stack([rows, np.ones(len(rows))])
