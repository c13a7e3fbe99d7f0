"""From finished runs to the table's rows: figures over the seeds that are there, and the bar.

A cell keeps the bar against a dense student if it is as small as asked, its MSE is at most 2 %
above that student's, and inside that one's interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.methods.baselines import CONSTANT, RIDGE, TREES
from edgeprune.report.run_files import load_predictions
from edgeprune.report.run_report import REPORT_NAME, RunReport, load_report
from edgeprune.statistics import absolute_difference, metric_difference, paired_difference
from film_table.cells import CONTROLS, GROUPS, KEPT, METHODS, Cell
from film_table.verified import verified

BASELINES = (CONSTANT, RIDGE, TREES)
TEACHER, DENSE, DENSE_LONG = "teacher", "dense SAD student", "dense SAD student, trained as long"
TOLERANCE = 0.02  # of the dense student's MSE
_DRAWS = 2_000
_LEADING = (METHODS[0], KEPT[0])

Answers = dict[str, NDArray[np.float64]]
Row = dict[str, Any]


class Finished:
    """Runs of one cell of the table, a seed each.

    Args:
        runs: folder of all runs.

    Attributes:
        seeds: those whose run is finished, ascending.
        reports: of those runs.
        answers: (seeds, films) predicted ratings by network, and the `targets`, (films,).
    """

    def __init__(self, runs: Path, group: str, method: str, kept: float, seeds: Iterable[int]):
        cells = [Cell(group, method, kept, seed) for seed in sorted(seeds)]
        there = [c for c in cells if (c.folder(runs) / REPORT_NAME).exists()]
        self.seeds = tuple(cell.seed for cell in there)
        self.folders = [cell.folder(runs) for cell in there]
        self.reports: list[RunReport] = [load_report(folder) for folder in self.folders]
        held = [load_predictions(folder) or {} for folder in self.folders]
        names = set.intersection(*(set(found) for found in held)) if held else set()
        self.answers: Answers = {
            name: np.stack([found[name] for found in held]).astype(np.float64) for name in names
        }
        if held:
            self.answers["targets"] = self.answers["targets"][0]

    def of(self, name: str, seeds: Sequence[int]) -> NDArray[np.float64]:
        """(seeds, films) ratings that a network of these seeds predicts."""
        return self.answers[name][[self.seeds.index(seed) for seed in seeds]]


def table_rows(runs: Path, seeds: Sequence[int]) -> list[Row]:
    """All rows that finished runs have figures for."""
    return [row for group in GROUPS for row in _group_rows(runs, group, seeds)]


def _group_rows(runs: Path, group: str, seeds: Sequence[int]) -> list[Row]:
    leading = Finished(runs, group, *_LEADING, seeds)
    if not leading.seeds:
        return []
    rows = [_row(leading, group, name, name) for name in BASELINES]
    first = leading.reports[0]
    teacher = _row(leading, group, TEACHER, TEACHER)
    rows.append({**teacher, "params": first.teacher["params"], "minus": _teacher_minus(leading)})
    for name, key, more in zip((DENSE, DENSE_LONG), CONTROLS, (0.0, first.search_epochs),
                               strict=True):  # fmt: skip
        row = _row(leading, group, name, f"control_{key}")
        rows.append({**row, "params": first.dense_student["params"], "epochs": first.epochs + more})
    for kept in KEPT:
        for method in METHODS:
            found = Finished(runs, group, method, kept, leading.seeds)
            if found.seeds:
                rows.append(_student_row(found, leading, group, method, kept, rows))
    return rows


def _student_row(
    found: Finished, leading: Finished, group: str, method: str, kept: float, above: Sequence[Row]
) -> Row:
    reports = found.reports
    row = {
        **_row(found, group, method, "student"),
        "kept": kept,
        "params": max(report.student["params"] for report in reports),
        "size_reduction": min(report.size_reduction for report in reports),
        "epochs": reports[0].epochs,
        "search_epochs": reports[0].search_epochs,
        "onnx_bytes": max(report.onnx["bytes"] for report in reports if report.onnx),
        "verified": [verified(folder) for folder in found.folders],
    }
    targets = found.answers["targets"]
    for label, key in (("dense", CONTROLS[0]), ("dense_long", CONTROLS[1])):
        other = leading.of(f"control_{key}", found.seeds)
        lead = metric_difference(list(found.answers["student"]), list(other), targets)
        row[f"minus_{label}"] = asdict(lead)
        row[f"mse_against_{label}"] = lead.difference / float(np.square(other - targets).mean())
    dense, dense_long = (next(r for r in above if r["network"] == n) for n in (DENSE, DENSE_LONG))
    row["bar"] = {
        "dense": _keeps(row, "dense", dense),
        "dense_long": _keeps(row, "dense_long", dense_long),
    }
    return row


def _keeps(row: Row, label: str, other: Row) -> dict[str, bool]:
    """What a student keeps of the bar against a dense one."""
    return {
        "size": row["size_reduction"] >= 1.0 - row["kept"],
        "within_2_percent": row[f"mse_against_{label}"] <= TOLERANCE,
        "inside_interval": row["mse"] <= other["mse_high"],
    }


def _row(found: Finished, group: str, network: str, name: str) -> Row:
    errors = found.answers[name] - found.answers["targets"]
    row = {"group": group, "network": network, "seeds": list(found.seeds)}
    for label, values in (("mse", np.square(errors)), ("mae", np.abs(errors))):
        mean = paired_difference(values, np.zeros_like(values), draws=_DRAWS)
        row |= {label: mean.difference, f"{label}_low": mean.low, f"{label}_high": mean.high}
    return row


def _teacher_minus(found: Finished) -> Row:
    """The teacher's errors minus those of what needs no network, and of its dense student."""
    targets = found.answers["targets"]
    others = {name: name for name in BASELINES} | {DENSE_LONG: f"control_{CONTROLS[1]}"}
    return {
        label: {
            error: asdict(difference(found.answers[TEACHER], found.answers[name], targets))
            for error, difference in (("mse", metric_difference), ("mae", absolute_difference))
        }
        for label, name in others.items()
    }
