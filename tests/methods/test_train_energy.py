"""Joules of a training: the sum of its epochs, or why there is none."""

from __future__ import annotations

from typing import Any

from edgeprune.methods.train_energy import TrainEnergy, train_energy


def _epoch(
    energy_j: float | None, scope: str | None = "cpu_packages", reason: str = ""
) -> dict[str, Any]:
    return {"energy_j": energy_j, "energy_scope": scope, "energy_reason": reason}


def test_epochs_add_up() -> None:
    found = train_energy([_epoch(2.0), _epoch(3.5)])
    assert found == TrainEnergy(5.5, "cpu_packages", "")


def test_an_epoch_that_was_not_measured_takes_the_sum_with_it() -> None:
    found = train_energy([_epoch(2.0), _epoch(None, None, "no RAPL counters")])
    assert found == TrainEnergy(None, None, "no RAPL counters")


def test_epochs_of_different_scopes_do_not_add_up() -> None:
    found = train_energy([_epoch(2.0), _epoch(3.0, "gpu_board")])
    assert found.energy_j is None
    assert found.reason == "epochs were measured as cpu_packages and gpu_board, which do not add up"


def test_runs_from_before_scopes_were_kept_are_of_the_processor() -> None:
    assert train_energy([{"energy_j": 1.0, "energy_reason": ""}]).scope == "cpu_packages"
