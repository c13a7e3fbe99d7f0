"""A regression's figures for reports: every predictor's errors, and the student's lead."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from edgeprune.methods.baselines import Baselines
from edgeprune.methods.delivery import Predictions
from edgeprune.report.errors_table import error_figures
from edgeprune.statistics import absolute_difference, metric_difference


def regression_figures(
    predictions: Predictions, baselines: Baselines, network: str = "student"
) -> dict[str, Any]:
    """`regression` of report.json.

    `errors` holds MSE and MAE with 95 % intervals of every network and baseline, `NETWORK_minus`
    and `NETWORK_minus_mae` the difference in MSE and MAE to every baseline, paired.
    """
    targets = predictions["targets"]
    answers = {name: values for name, values in predictions.items() if name != "targets"}
    return {
        "regression": {
            "errors": {name: f.as_dict() for name, f in error_figures(answers, targets).items()},
            "baselines": list(baselines.forwards),
            "missing": dict(baselines.missing),
            f"{network}_minus": {
                name: asdict(metric_difference(answers[network], answers[name], targets))
                for name in baselines.forwards
            },
            f"{network}_minus_mae": {
                name: asdict(absolute_difference(answers[network], answers[name], targets))
                for name in baselines.forwards
            },
        }
    }
