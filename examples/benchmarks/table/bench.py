"""Running the rows of a table: each in a run folder of its own, resumed where it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgepruneError, UserInputError
from edgeprune.methods.setup import Sources
from edgeprune.methods.sources import TeacherSource
from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain
from edgeprune.recipe import CONTROLS, METHODS, resolve_recipe
from edgeprune.report.run_files import load_history
from edgeprune.report.run_report import REPORT_NAME, load_report
from edgeprune.train.progress import ConsoleProgress
from table.peer import Start, run_peer
from table.rows import BEST, FIRST, Row
from table.settings import Setting

_PRESET = "quick"
TEACHER_CACHE = "teacher-cache"  # all rows of a seed see the same batches


@dataclass
class Bench:
    """One table being made.

    Attributes:
        out: folder of everything; `seed-N/ROW` below it are run folders.
        changes: settings of all runs on top of the table's.
    """

    setting: Setting
    out: Path
    epochs: int
    seeds: Sequence[int]
    teacher_file: Path | None
    teacher_arch: str
    teacher_training: Mapping[str, Any]
    device: str = "auto"
    changes: Mapping[str, Any] = field(default_factory=dict)

    def folder(self, row: Row, seed: int) -> Path:
        """The run folder that a row reads."""
        return self.out / f"seed-{seed}" / row.folder

    def run(self, rows: Sequence[Row], seed: int) -> None:
        """Make these rows of one seed, but not `best`; what is finished is not done again."""
        for method in METHODS:
            mine = [row for row in rows if row.method == method]
            if mine:
                self._run_method(method, seed, [str(r.control) for r in mine if r.control])
        for row in rows:
            if row.kind == "peer":
                self._run_peer(row, seed)

    def run_best(self, seed: int) -> None:
        """Repeat the best method at the table's smaller size."""
        method = self.best_method()
        if method is None:
            raise UserInputError(f"--rows {BEST}: finish {', '.join(METHODS)} for all seeds first")
        folder = self.out / f"seed-{seed}" / BEST
        self._compress(method, seed, folder, target_params=self.setting.smaller)

    def teacher(self) -> TeacherSource:
        """The teacher; trained first where the table has no file of one."""
        if self.teacher_file is not None:
            return TeacherSource(str(self.teacher_file), arch=self.teacher_arch)
        path = self.out / "teacher.pt"
        training = {"device": self.device, **self.teacher_training}
        pretrain(self.teacher_arch, self.setting.data, path, show_progress=True, **training)
        return TeacherSource(str(path))

    def best_method(self) -> str | None:
        """The method with the best mean validation accuracy; None until all have finished.

        Chosen on validation images: the test set is not there to choose by.
        """
        means = {}
        for method in METHODS:
            folders = [self.out / f"seed-{seed}" / method for seed in self.seeds]
            if not all((folder / REPORT_NAME).exists() for folder in folders):
                return None
            means[method] = sum(_last_validation(folder) for folder in folders)
        return max(means, key=lambda method: means[method])

    def _run_method(self, method: str, seed: int, controls: Sequence[str]) -> None:
        folder = self.out / f"seed-{seed}" / method
        report = folder / REPORT_NAME
        # A report names the controls of its last call, so that those it has are asked for again.
        known = [str(c["name"]) for c in load_report(folder).controls] if report.exists() else []
        wanted = [control for control in CONTROLS if control in {*known, *controls}]
        self._compress(method, seed, folder, controls=wanted)

    def _compress(self, method: str, seed: int, folder: Path, **more: Any) -> None:
        compress(
            self.teacher(),
            method=method,
            preset=_PRESET,
            out=folder,
            device=self.device,
            teacher_cache=self.out / TEACHER_CACHE,
            show_progress=True,
            **{**self._settings(seed), **more},
        )

    def _run_peer(self, row: Row, seed: int) -> None:
        assert row.control is not None
        settings = self._settings(seed)
        recipe = resolve_recipe(FIRST, _PRESET, settings)
        sources = Sources(
            self.teacher(), self.setting.student, self.setting.data,
            teacher_cache=self.out / TEACHER_CACHE,
        )  # fmt: skip
        start = Start(self.out / f"seed-{seed}" / FIRST, row.control)
        shown = ConsoleProgress()
        try:
            run_peer(recipe, sources, start, self.folder(row, seed), self.device, shown)
        finally:
            shown.close()

    def _settings(self, seed: int) -> dict[str, Any]:
        return {
            "student": self.setting.student,
            "data": self.setting.data,
            **self.setting.settings,
            "epochs": self.epochs,
            **self.changes,
            "seed": seed,
        }


def _last_validation(folder: Path) -> float:
    """Validation accuracy after the last epoch of the delivered network, in percent."""
    own = [row for row in load_history(folder) if not row["stage"].startswith("control-")]
    if not own:
        raise EdgepruneError(f"{folder}: history.jsonl names no epoch of the method")
    return float(own[-1]["val_top1"])
