"""The break-even table is computed for all boards, labelled a model, and kept as it is computed."""

from __future__ import annotations

import json
from pathlib import Path

from edgeprune.device.boards import board_names

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "examples" / "benchmarks" / "results" / "sparse_choice.json"


def test_the_kept_figures_are_those_that_the_model_gives(run_example, tmp_path: Path) -> None:
    out = tmp_path / "sparse_choice.json"
    done = run_example("benchmarks/sparse_choice.py", "--out", out)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "a model, not a measurement" in " ".join(done.stdout.split())
    found = json.loads(out.read_text())
    assert found["basis"] == "a model, not a measurement"
    assert {row["board"] for row in found["rows"]} == set(board_names())
    assert all(name in done.stdout for name in board_names())
    assert found == json.loads(KEPT.read_text()), "run the script again and keep its results"
