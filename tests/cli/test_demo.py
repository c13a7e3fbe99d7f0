"""README command 1, without its installation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_ends_with_a_smaller_verified_student(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgeprune", "demo", "--out", str(tmp_path / "demo"), "--json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["size_reduction"] >= 0.6
    assert report["equivalence"]["max_rel_error"] <= 1e-5
    assert report["onnx"]["max_abs_error"] <= 1e-3
    assert report["student"]["metric"] >= 90
    folder = tmp_path / "demo" / "ss_sad"
    assert {"report.html", "report.json", "student.onnx", "student.pt", "recipe.yaml"} <= {
        entry.name for entry in folder.iterdir()
    }
    again = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert json.loads(again.stdout) == report
    assert "already finished" in again.stderr
