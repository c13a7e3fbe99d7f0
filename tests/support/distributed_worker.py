"""What torchrun starts in test_distributed.py: compress runs that leave each rank's student."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

torch.set_num_threads(1)

from edgeprune import pipeline  # noqa: E402
from edgeprune.methods.finish import Finish  # noqa: E402
from edgeprune.methods.run import Run  # noqa: E402
from edgeprune.methods.student import Student  # noqa: E402

SETTINGS: dict[str, Any] = {
    "student": "wrn_10_1", "data": "digits", "epochs": 5, "train_limit": 192, "batch_size": 64,
    "target_params": 0.5, "rounds": 2, "round_to": 4, "device": "cpu",
}  # fmt: skip


def compress(teacher: str, folder: Path, settings: dict[str, Any]) -> None:
    """One run in `folder`; what this process holds at its end is saved beside as `rank-N.pt`."""
    plain = pipeline.finish

    def watched(run: Run, student: Student) -> Finish:
        finished = plain(run, student)
        removals = [event for event in run.events if event.get("removed")]
        held = {
            "weights": student.module.state_dict(),
            "scales": finished.scales,
            "prunes": len(removals),
        }
        torch.save(held, folder / f"rank-{os.environ['RANK']}.pt")
        return finished

    pipeline.finish = watched  # type: ignore[assignment]
    pipeline.compress(teacher, out=folder / "run", **SETTINGS, **settings)
    pipeline.finish = plain


def main(teacher: str, out: str, runs: str) -> None:
    """Every run in a folder of its name.

    They stay in one process group, which only the last one leaves: torch mistakes what a group has
    left in the store for the next one's.

    Args:
        runs: further settings by name, as JSON.
    """
    leave, pipeline.leave_world = pipeline.leave_world, lambda: None
    named = json.loads(runs)
    for name, settings in named.items():
        if name == list(named)[-1]:
            pipeline.leave_world = leave
        folder = Path(out) / name
        folder.mkdir(exist_ok=True)
        compress(teacher, folder, settings)


def gloo_threads() -> list[str]:
    """This process's threads that belong to a process group."""
    names = (path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    return [name for name in names if "gloo" in name]


if __name__ == "__main__":
    main(*sys.argv[1:])
    left = gloo_threads()
    assert not left, f"the process group outlived the runs: {left}"
