"""The script that measures real ImageNet weights runs, on what it downloads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "real_weights.py"


def test_fp16_stays_close_on_imagenet(tmp_path: Path) -> None:
    out = tmp_path / "real_weights.json"
    command = [sys.executable, str(SCRIPT), "--rows", "fp32", "fp16", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=280)
    # Of pip: the script starts no other process.
    if done.returncode and "CalledProcessError" in done.stderr:
        pytest.skip("weights and images cannot be downloaded here")
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads(out.read_text())["rows"]
    assert rows["fp32"]["top1_of_20"] >= 15
    assert rows["fp16"]["least_cosine"] >= 0.999
