"""The cells of the table, and the run that makes one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain
from edgeprune.report.run_report import RunReport

GROUPS = ("all", "social", "textual", "categorical", "numerical")
METHODS = ("lth_sad", "sp_sad", "ss_sad")
KEPT = (0.55, 0.3)
# The whole student at the epochs of the delivered one's last training, and at those of its search
# besides: what a student gains by pruning is not what it gains by training longer.
CONTROLS = ("dense", "dense-long")


@dataclass(frozen=True)
class Cell:
    """One student: a group of features, a method, the share of parameters kept, and a seed."""

    group: str
    method: str
    kept: float
    seed: int

    def folder(self, runs: Path) -> Path:
        """Where its run lies."""
        return runs / f"seed-{self.seed}" / f"{self.group}-{self.method}-{self.kept:g}"

    @property
    def leads(self) -> bool:
        """Whether the dense students of its group and seed are trained in its run."""
        return (self.method, self.kept) == (METHODS[0], KEPT[0])


def cells_of(
    groups: Sequence[str], methods: Sequence[str], kept: Sequence[float], seeds: Sequence[int]
) -> Iterator[Cell]:
    """Seed by seed, group by group, what the paper has a row of first."""
    return (Cell(g, m, k, s) for s in seeds for g in groups for k in kept for m in methods)


def make(args: argparse.Namespace, cell: Cell) -> RunReport:
    """Train the group's teacher, if there is none yet, and the cell's student under it."""
    data = f"movies:{args.films}:{cell.group}"
    own = cell.folder(args.runs)
    teacher = own.with_name(f"{cell.group}.pt")
    pretrain(args.teacher, data, teacher, epochs=args.teacher_epochs, seed=cell.seed, device="cpu")
    return compress(
        teacher,
        args.student,
        data,
        cell.method,
        out=own,
        controls=CONTROLS if cell.leads else (),
        device="cpu",
        teacher_cache=own.with_name("cache"),
        show_progress=True,
        seed=cell.seed,
        epochs=args.epochs,
        batch_size=args.batch_size,
        target_params=cell.kept,
        round_to=2,
        lr=0.05,
        weight_decay=5e-3,
        alpha=0.5,
        beta=2.0,
    )
