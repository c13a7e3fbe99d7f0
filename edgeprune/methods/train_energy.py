"""What a training drew, added up over its epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class TrainEnergy(NamedTuple):
    """Joules of a training, or why there are none.

    Attributes:
        energy_j: of all epochs; None where one was not measured.
        scope: what they are of; None where there are none.
        reason: why there are none; empty otherwise.
    """

    energy_j: float | None
    scope: str | None
    reason: str


def train_energy(rows: Sequence[Mapping[str, Any]]) -> TrainEnergy:
    """Add up the epochs; those of different scopes do not add up.

    Args:
        rows: of the history, with `energy_j`, `energy_scope` and `energy_reason`.
    """
    reasons = [row["energy_reason"] for row in rows if row["energy_j"] is None]
    if reasons:
        return TrainEnergy(None, None, reasons[0])
    scopes = sorted({str(row.get("energy_scope") or "cpu_packages") for row in rows})
    if len(scopes) != 1:
        return TrainEnergy(
            None, None, f"epochs were measured as {' and '.join(scopes)}, which do not add up"
        )
    return TrainEnergy(float(sum(row["energy_j"] for row in rows)), scopes[0], "")
