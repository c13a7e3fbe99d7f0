"""What networks are compared with where there are no classes: predictors that need no network."""

from __future__ import annotations

from typing import Any

from edgeprune.data.dataset import Data
from edgeprune.methods.baselines import Baselines, fit_baselines
from edgeprune.methods.delivery import Predictions
from edgeprune.methods.ranking import ranking_report
from edgeprune.methods.ranking_baselines import fit_ranking_baselines
from edgeprune.methods.rating_baselines import fit_rating_baselines
from edgeprune.methods.regression import regression_figures


def baselines_of(data: Data, seed: int) -> Baselines:
    """Fit what the data's task and inputs allow; the test split is not read."""
    if data.task == "ranking":
        return fit_ranking_baselines(data)
    return fit_rating_baselines(data, seed) if data.has_ids else fit_baselines(data, seed)


def baseline_figures(
    predictions: Predictions, baselines: Baselines, data: Data, network: str = "student"
) -> dict[str, Any]:
    """`ranking` or `regression` of report.json, whichever the task has."""
    if data.task == "ranking":
        return ranking_report(predictions, baselines, data.top_k, network)
    return regression_figures(predictions, baselines, network)
