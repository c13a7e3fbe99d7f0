"""A network against itself: the runs are counted as they came out."""

from __future__ import annotations

import json
from pathlib import Path


def test_runs_are_counted(run_example, tmp_path: Path) -> None:
    out = tmp_path / "aa.json"
    done = run_example(
        "benchmarks/benchmark_aa.py", "--runs", "2", "--arch", "wrn_10_1", "--image-size", "8",
        "--out", out, "--", "--repeats", "3", "--seconds", "0.02", "--warmup", "0.1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["clear"] == sum(ratio["is_clear"] for ratio in found["ratios"])
    assert len(found["ratios"]) == found["runs"] == 2
    (pair,) = found["neighbours"]
    assert found["within_spread"] == (pair["difference_ms"] < pair["spread_ms"])
    assert found["protocol"]["repeats"] == 3
    assert f"{found['clear']} of 2 runs" in done.stdout
