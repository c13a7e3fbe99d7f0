"""The benchmark of shrinking against masking prunes both sides alike and sums what it measured."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from edgeprune.models.registry import build_model
from edgeprune.models.summary import count_params

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


def test_sums_over_the_schedule_of_equal_networks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    benchmark = importlib.import_module("shrink_vs_mask")
    small = "--teacher wrn_10_1 --student wrn_10_1 --image-size 8 --threads 1 --device cpu"
    options = "--preset sound quick --epochs 6 --batch 4 --rounds 3 --round-to 8 --precision fp32"
    benchmark.main([*small.split(), *options.split()])
    output = capsys.readouterr()
    case, warmed = json.loads(output.out)["cases"]
    widths = case["widths"]
    assert sum(width["epochs"] for width in widths) == 6
    whole = count_params(build_model("wrn_10_1", num_classes=100))
    assert widths[-1]["params"] <= 0.4 * whole
    assert widths[-1]["params"] <= 0.4 * widths[0]["params"]
    # Both sides learn the same from the same batches only if they hold the same function.
    assert max(width["output_difference"] for width in widths) < 1e-4
    assert widths[0]["times_ms"]["masks_alone"]["median"] < 0.1  # nothing is masked yet
    assert warmed["widths"][0]["params"] < whole  # `quick` has trained it before: it prunes at once
    assert warmed["widths"][-1]["params"] <= 0.4 * whole
    assert max(width["output_difference"] for width in warmed["widths"]) < 1e-4
    means = {name: spread["median"] for name, spread in case["mean_over_epochs_ms"].items()}
    assert 0 < means["masks_alone"] < means["masked_step"]
    assert case["own_step_ratio"]["lower_quartile"] <= case["own_step_ratio"]["median"]
    assert case["within_limit"] == (case["own_step_ratio"]["median"] <= 0.85)
    assert "shrunk / masked" in output.err


def test_weighs_every_width_by_its_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    benchmark = importlib.import_module("shrink_vs_mask")

    def width(epochs: int, shrunk: float) -> object:
        times = {"shrunk_step": shrunk, "masked_step": 4.0, "teacher_forward": 2.0}
        return benchmark.Width(epochs, 1, 1, 0.0, {name: [t, t] for name, t in times.items()})

    sums = benchmark.summarise([width(1, 4.0), width(3, 2.0)], rounds=2)
    assert sums["own_step_ratio"]["median"] == pytest.approx((4 + 3 * 2) / (4 * 4))
    assert sums["whole_run_ratio"]["median"] == pytest.approx((10 + 4 * 2) / (16 + 4 * 2))
    assert sums["mean_over_epochs_ms"]["shrunk_step"]["median"] == pytest.approx(2.5)
