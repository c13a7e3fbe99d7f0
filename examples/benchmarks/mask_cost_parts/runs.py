"""The runs of the table: one folder for each method, mask and seed, resumed where it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from table.settings import Setting

from edgeprune.methods.sources import TeacherSource
from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain
from edgeprune.recipe import METHODS
from edgeprune.report.run_report import REPORT_NAME, RunReport, load_report

_BUDGETS = ("target_params", "target_macs")  # of the setting; masks have one of their own
DENSE = "dense"

MASKS: Mapping[str, Mapping[str, Any]] = {
    "weight": {"granularity": "weight"},
    "vector-4": {"granularity": "vector", "vector": 4},
    "vector-8": {"granularity": "vector", "vector": 8},
    "vector-32": {"granularity": "vector", "vector": 32},
}


@dataclass(frozen=True)
class Runs:
    """Where they are, and what they have in common.

    Attributes:
        keep_share: of the weights, that stay.
        epochs: of the last training of each.
        teacher_file: None trains the setting's.
    """

    setting: Setting
    out: Path
    student: str
    keep_share: float
    epochs: int
    teacher_file: Path | None = None

    def folder(self, method: str, mask: str, seed: int) -> Path:
        """The run folder."""
        return self.out / f"seed-{seed}" / f"{method}-{mask}"

    def report(self, method: str, mask: str, seed: int) -> RunReport | None:
        """None where the run has not finished."""
        folder = self.folder(method, mask, seed)
        return load_report(folder) if (folder / REPORT_NAME).exists() else None

    def make(self, method: str, mask: str, seed: int) -> None:
        """Train it; a run that is finished is not done again."""
        compress(
            self._teacher(),
            method=method,
            preset="quick",
            out=self.folder(method, mask, seed),
            teacher_cache=self.out / "teacher-cache",
            controls=self._controls(method, mask),
            show_progress=True,
            **self._settings(mask, seed),
        )

    def dense_folder(self, seed: int) -> Path:
        """The run beside which the dense student is trained."""
        return self.folder(METHODS[0], next(iter(MASKS)), seed)

    def _controls(self, method: str, mask: str) -> tuple[str, ...]:
        is_first = self.folder(method, mask, 0) == self.dense_folder(0)
        return (DENSE,) if is_first else ()

    def _teacher(self) -> TeacherSource:
        if self.teacher_file is not None:
            return TeacherSource(str(self.teacher_file), arch=self.setting.teacher_arch)
        path = self.out / "teacher.pt"
        training = self.setting.teacher_training
        pretrain(self.setting.teacher_arch, self.setting.data, path, show_progress=True, **training)
        return TeacherSource(str(path))

    def _settings(self, mask: str, seed: int) -> dict[str, Any]:
        common = {k: v for k, v in self.setting.settings.items() if k not in _BUDGETS}
        return {
            **common,
            **MASKS[mask],
            "student": self.student,
            "data": self.setting.data,
            "target_params": self.keep_share,
            "epochs": self.epochs,
            "seed": seed,
        }
