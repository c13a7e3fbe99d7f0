"""What the benchmark left: no case failed, and every layer keeps to its figures."""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "examples" / "benchmarks" / "results"
VECTOR = 4


def test_the_benchmark_found_no_failure() -> None:
    found = json.loads((RESULTS / "sparse_conv_cases.json").read_text())
    assert (found["plain"]["cases"], found["plain"]["runs"]) == (2000, 6000)
    assert found["races"]["cases"] == 2000
    assert (found["vmma-plain"]["cases"], found["vmma-plain"]["runs"]) == (2000, 6000)
    assert found["vmma-races"]["cases"] == found["vmma-sanitized"]["cases"] == 2000
    for build in ("plain", "races", "vmma-plain", "vmma-races", "vmma-sanitized"):
        assert found[build]["failures"] == []
        assert found[build]["largest_error_float32"] <= 3e-5
        assert found[build]["largest_error_float16"] <= 6e-3
    for name, row in found["layers"].items():
        for layer, figures in row.items():
            assert figures["idle_lanes"] <= 0.15, (name, layer)
            assert figures["multiply_adds_per_load"] >= 0.9 * VECTOR
            assert figures["bank_conflicts"] == 0 or layer.endswith("s2"), layer
            for sectors in ("input_sectors", "output_sectors", "weight_sectors"):
                assert figures[sectors] <= 1.1, (layer, sectors)
