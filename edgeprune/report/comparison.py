"""Several runs side by side, with intervals where their test predictions allow."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.errors import UserInputError
from edgeprune.report.rows import STUDENT, network_rows
from edgeprune.report.run_files import Predictions, load_predictions
from edgeprune.report.run_report import RunReport, load_report, report_file
from edgeprune.report.story_speed import speedup
from edgeprune.statistics import (
    DifferenceInterval,
    SeedSummary,
    metric_difference,
    over_seeds,
)
from edgeprune.wording import counted


@dataclass(frozen=True)
class ComparedRun:
    """A run beside the first one.

    Attributes:
        name: its folder, as short as it stays unique.
        path: as given.
        predictions: of the test set; None where the run keeps none.
        difference: its student's accuracy minus the first run's, in points, paired.
        why_no_difference: one line when there is no interval; empty otherwise.
        speedup: dense student's p50 over the student's, measured within the run.
    """

    name: str
    path: Path
    report: RunReport
    predictions: Predictions | None
    difference: DifferenceInterval | None
    why_no_difference: str
    speedup: float | None


@dataclass(frozen=True)
class SeedGroup:
    """Runs that differ in nothing but the seed.

    Attributes:
        names: of the runs.
        seeds: in the same order.
        metric: mean and deviation of the students' metric; None where one is missing.
        difference: to the first group, over the seeds both have; None where not paired.
    """

    label: str
    names: tuple[str, ...]
    seeds: tuple[int, ...]
    metric: SeedSummary | None
    difference: DifferenceInterval | None


@dataclass(frozen=True)
class Comparison:
    """Runs in the order given, the first being the baseline, and groups of seeds."""

    runs: tuple[ComparedRun, ...]
    groups: tuple[SeedGroup, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: reports, differences in points, groups."""
        return {
            "baseline": str(self.runs[0].path),
            "runs": [
                {
                    "run": str(run.path),
                    "report": run.report.as_dict(),
                    "difference_points": asdict(run.difference) if run.difference else None,
                    "why_no_difference": run.why_no_difference or None,
                    "speedup_over_dense": run.speedup,
                }
                for run in self.runs
            ],
            "seed_groups": [asdict(group) for group in self.groups],
        }


def compare_runs(paths: Sequence[str | os.PathLike[str]]) -> Comparison:
    """Load several runs and compare each with the first.

    Raises:
        UserInputError: a run is missing, damaged or given twice.
    """
    folders = [Path(path) for path in paths]
    names = _short_names(folders)
    reports = [load_report(folder) for folder in folders]
    predictions = [load_predictions(report_file(folder).parent) for folder in folders]
    runs = []
    for number, (name, folder) in enumerate(zip(names, folders, strict=True)):
        difference, reason = None, "the baseline"
        if number:
            metric = reports[number].extra.get("metric")
            difference, reason = _difference(predictions[number], predictions[0], metric)
        factor = speedup(network_rows(reports[number]))
        runs.append(
            ComparedRun(
                name, folder, reports[number], predictions[number], difference, reason, factor
            )
        )
    return Comparison(tuple(runs), _seed_groups(runs))


def _short_names(folders: Sequence[Path]) -> list[str]:
    resolved = [report_file(folder).parent.resolve() for folder in folders]
    for number, folder in enumerate(resolved):
        if folder in resolved[:number]:
            raise UserInputError(f"{folders[number]} is given twice; name different runs")
    short = [folder.name for folder in resolved]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _difference(
    mine: Predictions | None, first: Predictions | None, metric: object
) -> tuple[DifferenceInterval | None, str]:
    for whose, predictions in (("this run", mine), ("the first run", first)):
        if predictions is None or STUDENT not in predictions:
            return None, f"{whose} keeps no test predictions"
    assert mine is not None
    assert first is not None
    if not np.array_equal(mine["targets"], first["targets"]):
        return None, "the runs were tested on different samples"
    return metric_difference(mine[STUDENT], first[STUDENT], mine["targets"], metric), ""


def _seed_groups(runs: Sequence[ComparedRun]) -> tuple[SeedGroup, ...]:
    """Groups of at least two seeds, in the order of their first run."""
    members: dict[tuple[Any, ...], list[ComparedRun]] = {}
    for run in runs:
        members.setdefault(_setting(run.report), []).append(run)
    groups = [group for group in members.values() if len({r.report.seed for r in group}) > 1]
    return tuple(
        _summarised(group, None if number == 0 else groups[0])
        for number, group in enumerate(groups)
    )


def _setting(report: RunReport) -> tuple[Any, ...]:
    target = report.target
    asked = None if target is None else (target["name"], target["asked"])
    return (
        report.method,
        report.preset,
        report.epochs,
        report.search_epochs,
        report.extra.get("data"),
        report.dense_student["params"],
        asked,
    )


def _summarised(group: Sequence[ComparedRun], first: Sequence[ComparedRun] | None) -> SeedGroup:
    metrics = [run.report.student["metric"] for run in group]
    known = [metric for metric in metrics if metric is not None]
    report = group[0].report
    return SeedGroup(
        f"{report.method}, {report.preset}, {counted(report.epochs, 'epoch')}",
        tuple(run.name for run in group),
        tuple(run.report.seed for run in group),
        over_seeds(known) if len(known) == len(metrics) else None,
        None if first is None else _paired_by_seed(group, first),
    )


def _paired_by_seed(
    group: Sequence[ComparedRun], first: Sequence[ComparedRun]
) -> DifferenceInterval | None:
    ours, theirs = _by_seed(group), _by_seed(first)
    pairs = [(ours[seed], theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]
    arrays = [array for pair in pairs for array in pair]
    targets = [array["targets"] for array in arrays]
    if not pairs or any(not np.array_equal(targets[0], other) for other in targets[1:]):
        return None
    return metric_difference(
        np.stack([mine[STUDENT] for mine, _ in pairs]),
        np.stack([other[STUDENT] for _, other in pairs]),
        targets[0],
        group[0].report.extra.get("metric"),
    )


def _by_seed(runs: Sequence[ComparedRun]) -> Mapping[int, Predictions]:
    return {
        run.report.seed: run.predictions
        for run in runs
        if run.predictions is not None and STUDENT in run.predictions
    }
