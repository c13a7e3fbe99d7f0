"""Two processes (gloo) prune and train as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from edgeprune.pipeline import compress

WORKER = Path(__file__).with_name("distributed_worker.py")


_FINISHING = {"granularity": "2:4", "qat": True, "sparse_epochs": 1, "qat_epochs": 2}
_REFILL = {"granularity": "weight", "refill": True}


@pytest.mark.parametrize(
    ("method", "more"),
    [("sp_sad", _FINISHING), ("lth_sad", {}), ("ss_sad", {}), ("lth_sad", _REFILL)],
)
def test_two_ranks_hold_equal_weights_after_pruning(
    method: str, more: dict[str, Any], digits_teacher: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        str(WORKER), str(digits_teacher), method, str(out), json.dumps(more),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(tmp_path / f"rank-{rank}.pt") for rank in (0, 1))
    assert first["prunes"] >= (1 if more is _REFILL else 2)
    assert first["scales"] == second["scales"]
    assert (first["scales"] is None) == ("qat" not in more)
    assert first["weights"].keys() == second["weights"].keys()
    assert all(torch.equal(first["weights"][k], second["weights"][k]) for k in first["weights"])
    report = json.loads((out / "report.json").read_text())
    alone = compress(
        digits_teacher, "wrn_10_1", "digits", method, out=tmp_path / "alone", epochs=5,
        train_limit=192, batch_size=64, target_params=0.5, rounds=2, round_to=4, device="cpu",
        **more,
    )  # fmt: skip
    assert report.keys() == alone.as_dict().keys()
    assert report["size_reduction"] >= 0.45
