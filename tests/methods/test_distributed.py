"""Two processes (gloo) prune and train as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import distributed_worker
import pytest
import torch
from distributed_worker import DELIVERED, SETTINGS

from edgeprune.pipeline import compress

WORKER = Path(distributed_worker.__file__)
_FINISHING = {"granularity": "2:4", "qat": True, "sparse_epochs": 1, "qat_epochs": 2}
_REFILL = {"granularity": "weight", "refill": True}
RUNS: dict[str, dict[str, Any]] = {
    "finished": {"method": "sp_sad", **_FINISHING},
    "lottery": {"method": "lth_sad", "student": "distributed_worker:student_with_a_spare_layer"},
    "search": {"method": "ss_sad"},
    "refilled": {"method": "lth_sad", **_REFILL},
}


@pytest.fixture(scope="module")
def folder(digits_teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every run, one after the other in the same two processes and a group of its own."""
    folder: Path = tmp_path_factory.mktemp("distributed")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        str(WORKER), str(digits_teacher), str(folder), json.dumps(RUNS),
    ]  # fmt: skip
    paths = f"{Path.cwd()}{os.pathsep}{WORKER.parent}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_two_ranks_hold_equal_weights_after_pruning(name: str, folder: Path) -> None:
    first, second = (torch.load(folder / name / f"rank-{rank}.pt") for rank in (0, 1))
    assert first["prunes"] >= (1 if name == "refilled" else 2)
    assert first["scales"] == second["scales"]
    assert (first["scales"] is None) == (name != "finished")
    assert first["weights"].keys() == second["weights"].keys()
    assert all(torch.equal(first["weights"][k], second["weights"][k]) for k in first["weights"])


@pytest.mark.parametrize("name", DELIVERED)
def test_the_report_is_as_of_one_process(
    name: str, folder: Path, digits_teacher: Path, tmp_path: Path
) -> None:
    report = json.loads((folder / name / "run" / "report.json").read_text())
    alone = compress(digits_teacher, out=tmp_path / "alone", **SETTINGS, **RUNS[name])
    assert report.keys() == alone.as_dict().keys()
    assert report["size_reduction"] >= 0.45


@pytest.mark.parametrize("name", RUNS)
def test_the_student_is_as_small_as_asked(name: str, folder: Path) -> None:
    assert torch.load(folder / name / "rank-0.pt")["kept"] <= 0.55
