"""The sparse kernel's benchmark runs and says what it compared; no figure is asserted."""

from __future__ import annotations

import json
from pathlib import Path


def test_two_densities_of_a_small_network(run_example, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    done = run_example(
        "benchmarks/sparse_conv_cpu.py", "--networks", "wrn_16_2", "--batches", "2", "--vectors",
        "1", "4", "--densities", "0.2", "0.05", "--seconds", "0.1", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert {row["layer"] for row in found["rows"]} == {
        "wrn_16_2 3>16 32²", "wrn_16_2 16>32 32²", "wrn_16_2 32>32 32²", "wrn_16_2 32>64 32² /2",
        "wrn_16_2 64>64 16²", "wrn_16_2 64>128 16² /2", "wrn_16_2 128>128 8²",
    }  # fmt: skip
    assert sum(row["modules"] for row in found["rows"]) == 13
    for row in found["rows"]:
        assert len(row["us"]) == 1 + 2 * 2 * 2
        for times in row["us"].values():
            assert 0 < times["p10"] <= times["p50"] <= times["p90"]
            assert times["repeats"] >= 15
    assert len(found["summary"]) == 4
    assert "wrn_16_2 64>64 16²" in done.stdout
    assert found["versions"]["onnxruntime"]
