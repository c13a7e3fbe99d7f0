"""A ranking's figures for reports: every scorer's HR@k and NDCG@k, and the student's lead."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from edgeprune.methods.baselines import Baselines
from edgeprune.methods.delivery import Predictions
from edgeprune.report.ranking_table import gain_difference, hit_difference, ranking_figures


def ranking_report(
    predictions: Predictions, baselines: Baselines, k: int, network: str = "student"
) -> dict[str, Any]:
    """`ranking` of report.json.

    `figures` holds HR@k and NDCG@k with 95 % intervals of every network and baseline,
    `NETWORK_minus` and `NETWORK_minus_ndcg` the difference to every baseline, paired by user.
    """
    ranks = {name: places for name, places in predictions.items() if name != "targets"}
    return {
        "ranking": {
            "k": k,
            "users": len(predictions["targets"]),
            "figures": {name: f.as_dict() for name, f in ranking_figures(ranks, k).items()},
            "baselines": list(baselines.forwards),
            "missing": dict(baselines.missing),
            f"{network}_minus": {
                name: asdict(hit_difference(ranks[network], ranks[name], k))
                for name in baselines.forwards
            },
            f"{network}_minus_ndcg": {
                name: asdict(gain_difference(ranks[network], ranks[name], k))
                for name in baselines.forwards
            },
        }
    }
