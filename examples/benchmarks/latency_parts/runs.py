"""The runs of the comparison: one folder for each budget, arm and seed, resumed where it was."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.cpu_meter import TURNS, CpuMeter
from edgeprune.device.bench.spread import paired_ratio
from edgeprune.errors import BudgetMissedError
from edgeprune.methods.measured.budget import MeasuredBudget
from edgeprune.methods.measured.cache import share
from edgeprune.models.teacher import load_teacher
from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain
from edgeprune.prune.cost import CostModel
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.width_rules import WidthRules
from edgeprune.report.run_report import REPORT_NAME, RunReport, load_report
from edgeprune.train.progress import Progress

_NAME = "target_latency_ms"
OURS, UNIFORM = "search", "uniform"
ARMS: Mapping[str, Mapping[str, Any]] = {UNIFORM: {"global_pruning": False}, OURS: {}}


@dataclass(frozen=True)
class Settings:
    """What all runs have in common.

    Attributes:
        data: specification, see `edgeprune.data.load_data`.
        network: of the teacher, a copy of which is pruned.
        budgets: shares of the dense network's latency.
        train_limit: training images of every run.
        epochs: of every run.
        threads: of ONNX Runtime.
        repeats: of every measurement.
    """

    data: str
    network: str
    budgets: tuple[float, ...]
    train_limit: int
    epochs: int
    teacher_epochs: int
    teacher_limit: int
    batch_size: int
    round_to: int
    threads: int
    repeats: int


@dataclass(frozen=True)
class Runs:
    """The folder of all of them."""

    settings: Settings
    out: Path

    def teacher(self) -> Path:
        """Trained once and kept."""
        path = self.out / "teacher.pt"
        pretrain(
            self.settings.network,
            self.settings.data,
            path,
            epochs=self.settings.teacher_epochs,
            train_limit=self.settings.teacher_limit,
            device="cpu",
            show_progress=True,
        )
        return path

    def dense_ms(self) -> float:
        """Latency of the network before pruning, as the runs' tables have it."""
        loaded = load_teacher(str(self.teacher()))
        assert loaded.preprocessing is not None
        images = loaded.preprocessing
        example = (torch.zeros(2, images.channels, *images.image_size),)
        graph = find_channels(loaded.module, example)
        meter = self._meter(self.settings.repeats)
        measured = MeasuredBudget(
            {_NAME: math.inf}, meter, self.out / "dense", self.out / "tables", Progress()
        )
        costs, rules = CostModel.of(loaded.module, graph), WidthRules(self.settings.round_to)
        return measured.prepare(loaded.module, graph, costs, example, rules)[_NAME].dense

    def budget_ms(self, budget: float, arm: str, seed: int) -> float:
        """The budget in milliseconds, as a user would say it.

        Uniform pruning is asked for a share of the dense network's latency. Its steps are coarse,
        and it may end well below; the search is asked for what it reached, so that both compare.
        """
        asked = budget * self.dense_ms()
        if arm == OURS:
            uniform = self.report(budget, UNIFORM, seed)
            assert uniform is not None, "uniform pruning comes first"
            assert uniform.target is not None
            asked = uniform.target["reached"]
        return float(f"{asked:.3g}")

    def folder(self, budget: float, arm: str, seed: int) -> Path:
        """The run folder."""
        return self.out / f"seed-{seed}" / f"{arm}-{budget:g}"

    def report(self, budget: float, arm: str, seed: int) -> RunReport | None:
        """None where the run has not finished."""
        folder = self.folder(budget, arm, seed)
        return load_report(folder) if (folder / REPORT_NAME).exists() else None

    def make(self, budget: float, arm: str, seed: int) -> None:
        """Train it; a run that is finished is not done again, and one that missed is a result.

        Raises:
            BudgetMissedError: not even the narrowest network is within the budget.
        """
        settings = self.settings
        try:
            compress(
                str(self.teacher()),
                data=settings.data,
                method="sp_sad",
                out=self.folder(budget, arm, seed),
                teacher_cache=self.out / f"seed-{seed}" / "teacher-cache",
                table_cache=self.out / "tables",
                device="cpu",
                show_progress=True,
                target_latency_ms=self.budget_ms(budget, arm, seed),
                latency_threads=settings.threads,
                latency_repeats=settings.repeats,
                epochs=settings.epochs,
                warm_epochs=0,
                lr=0.01,
                train_limit=settings.train_limit,
                batch_size=settings.batch_size,
                round_to=settings.round_to,
                seed=seed,
                **ARMS[arm],
            )
        except BudgetMissedError as missed:
            if self.report(budget, arm, seed) is None:
                raise
            print(f"{self.folder(budget, arm, seed)}: {missed}", flush=True)

    def side_by_side(self, budget: float, seed: int) -> dict[str, float] | None:
        """Latency of the search's student over uniform pruning's, measured in turns, once."""
        folders = {arm: self.folder(budget, arm, seed) for arm in ARMS}
        if not all((folder / REPORT_NAME).exists() for folder in folders.values()):
            return None
        kept = self.out / f"seed-{seed}" / f"beside-{budget:g}.json"
        if not kept.exists():
            graphs = {arm: folder / "student.onnx" for arm, folder in folders.items()}
            figures = self._meter(2 * self.settings.repeats).measure(graphs)
            times = {arm: found.latency_ms for arm, found in figures.items()}
            ratio = asdict(paired_ratio(times[OURS], times[UNIFORM]))
            ratio["ratio"] = share(times[OURS], times[UNIFORM])
            write_text_atomic(kept, json.dumps(ratio))
        found: dict[str, float] = json.loads(kept.read_text(encoding="utf-8"))
        return found

    def _meter(self, repeats: int) -> CpuMeter:
        return CpuMeter(1, self.settings.threads, protocol=replace(TURNS, repeats=repeats))
