"""What torchrun starts in test_distributed.py: one compress run that leaves each rank's student."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch

torch.set_num_threads(1)

from edgeprune import pipeline  # noqa: E402
from edgeprune.methods.run import Run  # noqa: E402
from edgeprune.methods.student import Student  # noqa: E402


def main(teacher: str, method: str, out: str) -> None:
    """Run `method`; save what this process holds at the end as `rank-N.pt`."""
    plain = pipeline.METHODS[method]

    def watched(run: Run) -> Student:
        student = plain(run)
        removals = [event for event in run.events if event.get("removed")]
        held = {"weights": student.module.state_dict(), "prunes": len(removals)}
        torch.save(held, Path(out).parent / f"rank-{os.environ['RANK']}.pt")
        return student

    changed: dict[str, Callable[[Run], Student]] = {method: watched}
    pipeline.METHODS.update(changed)
    pipeline.compress(
        teacher,
        "wrn_10_1",
        "digits",
        method,
        out=out,
        epochs=5,
        train_limit=192,
        batch_size=64,
        target_params=0.5,
        rounds=2,
        round_to=4,
        device="cpu",
    )


def gloo_threads() -> list[str]:
    """This process's threads that belong to a process group."""
    names = (path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    return [name for name in names if "gloo" in name]


if __name__ == "__main__":
    main(*sys.argv[1:])
    left = gloo_threads()
    assert not left, f"the process group outlived the run: {left}"
