"""The script that measures real ImageNet weights runs, on what it downloads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_fp16_stays_close_on_imagenet(run_example, tmp_path: Path) -> None:
    out = tmp_path / "real_weights.json"
    done = run_example("benchmarks/real_weights.py", "--rows", "fp32", "fp16", "--out", out)
    # Of pip: the script starts no other process.
    if done.returncode and "CalledProcessError" in done.stderr:
        pytest.skip("weights and images cannot be downloaded here")
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads(out.read_text())["rows"]
    assert rows["fp32"]["top1_of_20"] >= 15
    assert rows["fp16"]["least_cosine"] >= 0.999
