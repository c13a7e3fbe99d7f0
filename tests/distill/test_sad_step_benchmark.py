"""The benchmark of a SAD step runs and says what it measured."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "sad_step.py"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_reports_ratio_times_and_parts(
    precision: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("sad_step", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, benchmark)  # dataclasses look it up
    spec.loader.exec_module(benchmark)
    networks = "--teacher wrn_16_1 --student wrn_10_1 --image-size 8".split()  # noqa: SIM905
    options = f"--batch 4 --rounds 3 --threads 1 --device cpu --precision {precision}".split()
    benchmark.main(networks + options)
    output = capsys.readouterr()
    result = json.loads(output.out)
    (case,) = result["cases"]
    times = {name: spread["median"] for name, spread in case["time_ms"].items()}
    assert times.keys() == {"teacher_forward", "plain_step", "sad_step"}
    assert case["precision"] == precision
    assert case["ratio"]["lower_quartile"] <= case["ratio"]["median"]
    assert times["sad_step"] > times["teacher_forward"] > 0
    assert all(spread["median"] > 0 for spread in case["parts_ms"].values())
    assert result["machine"]["threads"] == 1
    assert "attention, both ways" in output.err
