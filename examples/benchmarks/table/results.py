"""The figures of a table, read from the run folders that are finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.errors import CorruptFileError
from edgeprune.report.run_files import Predictions, load_predictions
from edgeprune.report.run_report import REPORT_NAME, RunReport, load_report
from edgeprune.statistics import (
    DifferenceInterval,
    SeedSummary,
    accuracy_difference,
    over_seeds,
)
from table.rows import DENSE_CE, DENSE_SAD, Row

FolderOf = Callable[[Row, int], Path]  # the run folder of a row under a seed
RANKING_LEAD = 3.0  # points; under a smaller lead of the teacher distillation cannot be ranked


@dataclass(frozen=True)
class SeedResult:
    """One row under one seed."""

    report: RunReport
    predictions: Predictions
    network: str

    @property
    def size(self) -> Mapping[str, Any]:
        """Parameters, MACs and top-1 of the row's network."""
        if self.network == "student":
            return self.report.student
        name = self.network.removeprefix("control_")
        return next(control for control in self.report.controls if control["name"] == name)


@dataclass(frozen=True)
class RowResult:
    """One row over the seeds that are finished."""

    row: Row
    seeds: Mapping[int, SeedResult]

    @property
    def top1(self) -> SeedSummary:
        """Test accuracy in percent."""
        return over_seeds([result.size["metric"] for result in self.seeds.values()])

    def mean(self, figure: Callable[[SeedResult], float | None]) -> float | None:
        """A figure's mean over the seeds; None where one of them has none."""
        found = [figure(result) for result in self.seeds.values()]
        known = [value for value in found if value is not None]
        return sum(known) / len(known) if len(known) == len(found) else None


@dataclass(frozen=True)
class Duel:
    """Two networks on the same test images, pooled over the seeds that both have.

    Attributes:
        difference: first minus second, in points; None where they share no seed.
    """

    first: str
    second: str
    difference: DifferenceInterval | None

    @property
    def verdict(self) -> str:
        """`wins`, `loses`, `no clear difference` or `not compared`."""
        if self.difference is None:
            return "not compared"
        if not self.difference.is_clear:
            return "no clear difference"
        return "wins" if self.difference.difference > 0 else "loses"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True)
class Results:
    """A table's rows, and what is compared with what.

    Attributes:
        teacher_top1: percent; None before any run has finished.
        lead: the teacher's over the dense student with CE.
        duels: every method against everything else of its size.
    """

    rows: tuple[RowResult, ...]
    teacher_top1: float | None
    lead: Duel
    to_dense: Mapping[str, Duel]
    duels: tuple[Duel, ...]

    @property
    def can_rank(self) -> bool | None:
        """Whether the teacher leads by enough; None where that is not measured yet."""
        if self.lead.difference is None:
            return None
        return self.lead.difference.difference >= RANKING_LEAD


def collect(
    rows: Sequence[Row], seeds: Sequence[int], folder: Callable[[Row, int], Path]
) -> Results:
    """Read what is finished; rows without a finished seed are left out."""
    found = tuple(result for result in (_read(row, seeds, folder) for row in rows) if result.seeds)
    by_name = {result.row.name: result for result in found}
    teachers = _teachers(found)
    lead = Duel("teacher", DENSE_CE, _difference(teachers, _networks(by_name.get(DENSE_CE))))
    dense = _networks(by_name.get(DENSE_SAD))
    to_dense = {
        name: Duel(name, DENSE_SAD, _difference(_networks(result), dense))
        for name, result in by_name.items()
        if name != DENSE_SAD
    }
    top1 = next((r.report.teacher["metric"] for row in found for r in row.seeds.values()), None)
    return Results(found, top1, lead, to_dense, _duels(found))


def _read(row: Row, seeds: Sequence[int], folder: FolderOf) -> RowResult:
    results = {}
    for seed in seeds:
        path = folder(row, seed)
        if not (path / REPORT_NAME).exists():
            continue
        report, predictions = load_report(path), load_predictions(path)
        if predictions is None:
            raise CorruptFileError(f"{path}: its test predictions are gone; run the row again")
        if row.network in predictions:
            results[seed] = SeedResult(report, predictions, row.network)
    return RowResult(row, results)


_Answers = Mapping[int, tuple[Any, Any]]  # seed -> predicted and true classes


def _networks(result: RowResult | None) -> _Answers:
    if result is None:
        return {}
    return {
        seed: (held.predictions[held.network], held.predictions["targets"])
        for seed, held in result.seeds.items()
    }


def _teachers(rows: Sequence[RowResult]) -> _Answers:
    return {
        seed: (held.predictions["teacher"], held.predictions["targets"])
        for row in rows
        for seed, held in row.seeds.items()
    }


def _difference(first: _Answers, second: _Answers) -> DifferenceInterval | None:
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    targets = first[shared[0]][1]
    if any(
        not np.array_equal(targets, side[seed][1]) for seed in shared for side in (first, second)
    ):
        raise CorruptFileError("the runs were tested on different images; start in a new folder")
    return accuracy_difference(
        np.stack([first[seed][0] for seed in shared]),
        np.stack([second[seed][0] for seed in shared]),
        targets,
    )


def _duels(rows: Sequence[RowResult]) -> tuple[Duel, ...]:
    """Each method against the peer, the other methods and its own controls."""
    duels = []
    for mine in (result for result in rows if result.row.kind == "method"):
        for other in rows:
            if _same_size(mine.row, other.row):
                difference = _difference(_networks(mine), _networks(other))
                duels.append(Duel(mine.row.name, other.row.name, difference))
    return tuple(duels)


def _same_size(mine: Row, other: Row) -> bool:
    if other.name in (mine.name, DENSE_CE, DENSE_SAD) or other.kind == "best":
        return False
    return other.kind != "control" or other.method == mine.method
