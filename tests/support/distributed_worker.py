"""What torchrun starts in test_distributed.py: one compress run that leaves each rank's student."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch

torch.set_num_threads(1)

from edgeprune import pipeline  # noqa: E402
from edgeprune.methods.finish import Finish  # noqa: E402
from edgeprune.methods.run import Run  # noqa: E402
from edgeprune.methods.student import Student  # noqa: E402


def main(teacher: str, method: str, out: str, more: str = "{}") -> None:
    """Run `method`; save what this process holds at the end as `rank-N.pt`.

    Args:
        more: further settings, as JSON.
    """
    plain = pipeline.finish

    def watched(run: Run, student: Student) -> Finish:
        finished = plain(run, student)
        removals = [event for event in run.events if event.get("removed")]
        held = {
            "weights": student.module.state_dict(),
            "scales": finished.scales,
            "prunes": len(removals),
        }
        torch.save(held, Path(out).parent / f"rank-{os.environ['RANK']}.pt")
        return finished

    pipeline.finish = watched  # type: ignore[assignment]
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
        **json.loads(more),
    )


def gloo_threads() -> list[str]:
    """This process's threads that belong to a process group."""
    names = (path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    return [name for name in names if "gloo" in name]


if __name__ == "__main__":
    main(*sys.argv[1:])
    left = gloo_threads()
    assert not left, f"the process group outlived the run: {left}"
