"""The table of engines and that of precisions are made, on small networks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"
ROOT = BENCHMARKS.parents[1]


def run(script: str, *words: str) -> str:
    """The table that a script prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *words],
        env=environment, capture_output=True, encoding="utf-8", check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def test_a_network_in_every_precision(tmp_path: Path) -> None:
    out = tmp_path / "engines.json"
    told = run("engines.py", "--models", "wrn_10_1", "no_such_net", "--out", str(out))
    found = json.loads(out.read_text())
    assert "wrn_10_1: fp32, fp16, int8" in told
    assert {found["summary"][p] for p in ("fp32", "fp16", "int8")} == {1}
    assert found["summary"]["lowered_for_tensorrt_8"] == 1
    assert set(found["summary"]["not_built"]) == {
        f"no_such_net {p}" for p in ("fp32", "fp16", "int8")
    }
    row = found["models"]["wrn_10_1"]
    assert row["int8"]["int8_places"] > 5
    assert row["fp16"]["noise_db"] > row["int8"]["noise_db"] > 15


def test_runs_in_every_precision(tmp_path: Path) -> None:
    teacher, out = tmp_path / "teacher.pt", tmp_path / "precision.json"
    pretrain("wrn_10_1", "digits", teacher, epochs=2, batch_size=64, device="cpu")
    compress(
        teacher, "wrn_10_1", "digits", "sp_sad", out=tmp_path / "run", epochs=3, warm_epochs=0,
        train_limit=400, batch_size=64, target_params=0.6, device="cpu",
    )  # fmt: skip
    told = run("precision.py", str(tmp_path / "run"), "--out", str(out))
    (found,) = json.loads(out.read_text())["runs"].values()
    assert "sp_sad" in told
    precisions = found["precisions"]
    assert abs(precisions["fp32"]["top1"] - found["top1_pytorch"]) < 0.01
    assert precisions["fp16"]["snr_db"] > precisions["int8"]["snr_db"] > 10
    assert precisions["int8"]["int8_places"] > 0
    assert precisions["int8"]["onnx_bytes"] < precisions["fp32"]["onnx_bytes"]
