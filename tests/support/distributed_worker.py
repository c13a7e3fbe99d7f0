"""What torchrun starts in test_distributed.py: compress runs that leave each rank's student."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

torch.set_num_threads(1)

from kept_exports import keep_exports  # noqa: E402
from saved_time import save_time  # noqa: E402

from edgeprune import pipeline  # noqa: E402
from edgeprune.methods.finish import Finish  # noqa: E402
from edgeprune.methods.run import Run  # noqa: E402
from edgeprune.methods.student import Student  # noqa: E402
from edgeprune.models.registry import build_model  # noqa: E402
from edgeprune.models.summary import count_params  # noqa: E402

SETTINGS: dict[str, Any] = {
    "student": "wrn_10_1", "data": "digits", "epochs": 5, "train_limit": 192, "batch_size": 64,
    "target_params": 0.5, "rounds": 2, "round_to": 4, "device": "cpu",
}  # fmt: skip


DELIVERED = ("finished", "search")  # runs that go on to their report


class _FinishedError(Exception):
    """The student is finished; what would follow is its delivery, most of a small run's time."""


def compress(teacher: str, folder: Path, settings: dict[str, Any], deliver: bool) -> None:
    """One run in `folder`; what this process holds at its end is saved beside as `rank-N.pt`."""
    plain = pipeline.finish

    def watched(run: Run, student: Student) -> Finish:
        finished = plain(run, student)
        removals = [event for event in run.events if event.get("removed")]
        held = {
            "weights": student.module.state_dict(),
            "scales": finished.scales,
            "prunes": len(removals),
            "kept": count_params(student.module) / count_params(run.original_student().module),
        }
        torch.save(held, folder / f"rank-{os.environ['RANK']}.pt")
        if not deliver:
            raise _FinishedError
        return finished

    pipeline.finish = watched  # type: ignore[assignment]
    with contextlib.suppress(_FinishedError):
        pipeline.compress(teacher, out=folder / "run", **{**SETTINGS, **settings})
    pipeline.finish = plain


def main(teacher: str, out: str, runs: str) -> None:
    """Every run in a folder of its name, each in a process group of its own.

    Args:
        runs: further settings by name, as JSON.
    """
    keep_exports()
    save_time()
    for name, settings in json.loads(runs).items():
        folder = Path(out) / name
        folder.mkdir(exist_ok=True)
        compress(teacher, folder, settings, deliver=name in DELIVERED)
        left = gloo_threads()
        assert not left, f"the process group outlived {name}: {left}"


def student_with_a_spare_layer() -> nn.Module:
    """A network whose forward pass leaves out some of its parameters."""
    network = build_model("wrn_10_1", num_classes=10, in_channels=1)
    network.add_module("spare", nn.Linear(4, 4))
    return network


def gloo_threads() -> list[str]:
    """This process's threads that belong to a process group."""
    names = (path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    return [name for name in names if "gloo" in name]


if __name__ == "__main__":
    main(*sys.argv[1:])
