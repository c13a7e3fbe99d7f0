"""The table of engines is made, of a small network."""

from __future__ import annotations

import json
from pathlib import Path


def test_a_network_in_every_precision(run_example, tmp_path: Path) -> None:
    out = tmp_path / "engines.json"
    models = ("--models", "wrn_10_1", "no_such_net")
    done = run_example("benchmarks/engines.py", *models, "--out", out)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(out.read_text())
    assert "wrn_10_1: fp32, fp16, int8" in done.stderr
    assert {found["summary"][p] for p in ("fp32", "fp16", "int8")} == {1}
    assert found["summary"]["lowered_for_tensorrt_8"] == 1
    assert set(found["summary"]["not_built"]) == {
        f"no_such_net {p}" for p in ("fp32", "fp16", "int8")
    }
    row = found["models"]["wrn_10_1"]
    assert row["int8"]["int8_places"] > 5
    assert row["fp16"]["noise_db"] > row["int8"]["noise_db"] > 15
