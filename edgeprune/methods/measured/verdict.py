"""What the delivered network was measured to take, in the report, and whether that is enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from edgeprune.errors import BudgetMissedError
from edgeprune.methods.measured.rounds import TOLERANCE, is_missed
from edgeprune.methods.measured.tables import UNITS
from edgeprune.methods.pruner import Pruner
from edgeprune.report.run_report import RunReport
from edgeprune.report.shapes import Target


def measured_figures(
    pruner: Pruner, module: nn.Module, file: Path, last_event: Mapping[str, Any]
) -> dict[str, Any]:
    """report.json's `measured_budget`; empty where the run has no such budget.

    Args:
        module: the delivered network.
        file: its ONNX file.
        last_event: the record of the removal that gave it its widths.
    """
    measured = pruner.measured
    if measured is None:
        return {}
    tables = {target.table.name: target.table for target in pruner.budget.measured}
    return {
        "measured_budget": {
            **measured.identity,
            "student": measured.of_student(module, file, tables),
            "rounds": last_event.get("rounds", []),
            "planned": [found.as_dict() for found in pruner.planned],
            "search": measured.kept_search(),
        }
    }


def with_measured(targets: Iterable[Target], figures: Mapping[str, Any]) -> list[Target]:
    """The targets with what was measured of the delivered network in place of predictions."""
    found = figures.get("measured_budget")
    if found is None:
        return list(targets)
    rounds = len(found["rounds"])
    return [
        Target(
            name=target["name"],
            asked=target["asked"],
            reached=found["student"][target["name"]]["cost"],
            rounds=rounds,
        )
        if target["name"] in found["student"]
        else target
        for target in targets
    ]


def require_measured(report: RunReport, asked: Mapping[str, float]) -> None:
    """Miss the budget where the student takes more than it by more than measuring can tell.

    Raises:
        BudgetMissedError: it does.
    """
    for target in report.extra.get("targets", ()):
        name, reached = target["name"], target["reached"]
        if name in asked and is_missed(asked[name], reached):
            raise BudgetMissedError(
                f"--{name.replace('_', '-')} {asked[name]:g}: the student takes {reached:.4g} "
                f"{UNITS[name]}, which is more than {TOLERANCE:.0%} above; everything is written; "
                "measure on a quieter target, or ask for a little less"
            )
