"""Errors of predicted values: MSE and MAE with bootstrap intervals, networks beside baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.statistics import means_with_intervals


@dataclass(frozen=True)
class ErrorFigures:
    """How far one predictor's values are from the targets.

    Attributes:
        mse: mean squared error; `mse_low` and `mse_high` are its 95 % percentile interval.
        mae: mean absolute error; likewise.
    """

    mse: float
    mse_low: float
    mse_high: float
    mae: float
    mae_low: float
    mae_high: float

    def as_dict(self) -> dict[str, float]:
        """Plain values, for JSON."""
        return asdict(self)


def error_figures(
    predictions: Mapping[str, NDArray[Any]], targets: NDArray[Any], *, seed: int = 0
) -> dict[str, ErrorFigures]:
    """Figures of every predictor, all on the same resamples of the test samples.

    Args:
        predictions: values by predictor, each (samples,).
        targets: (samples,).
    """
    truth = np.asarray(targets, np.float64)
    errors = [np.asarray(values, np.float64) - truth for values in predictions.values()]
    rows = [score(error) for error in errors for score in (np.square, np.abs)]
    figures = means_with_intervals(rows, seed=seed)
    return {
        name: ErrorFigures(*mse, *mae)
        for name, mse, mae in zip(predictions, figures[::2], figures[1::2], strict=True)
    }


def error_lines(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line per predictor, aligned, for people."""
    width = max(map(len, figures))
    return [
        f"{name:<{width}}  MSE {f['mse']:.4f} [{f['mse_low']:.4f}, {f['mse_high']:.4f}]  "
        f"MAE {f['mae']:.4f} [{f['mae_low']:.4f}, {f['mae_high']:.4f}]"
        for name, f in figures.items()
    ]


def lead_lines(regression: Mapping[str, Any], network: str) -> list[str]:
    """A line per baseline: the network's errors minus its own, paired, 95 % intervals."""
    lines = []
    for name, mse in regression[f"{network}_minus"].items():
        mae = regression[f"{network}_minus_mae"][name]
        told = "; ".join(
            f"{label} {d['difference']:+.4f} [{d['low']:+.4f}, {d['high']:+.4f}]"
            for label, d in (("MSE", mse), ("MAE", mae))
        )
        lines.append(f"{network} minus {name}: {told}")
    return lines
