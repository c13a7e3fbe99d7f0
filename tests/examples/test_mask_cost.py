"""The cost of a mask: its runs, resumed, and the table of what they say."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture
def mask_cost(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a setting that takes seconds."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    settings = importlib.import_module("table.settings").SETTINGS
    few = {"batch_size": 64, "train_limit": 192}
    training = {"epochs": 1, **few}
    tiny = replace(settings["digits"], name="tiny", teacher_arch="wrn_10_1", settings=few,
                   teacher_training=training)  # fmt: skip
    monkeypatch.setitem(settings, "tiny", tiny)
    return importlib.import_module("mask_cost")


def test_what_v_costs_is_measured_against_masks_of_single_weights(
    mask_cost: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "mask_cost.json"
    options = [
        "--setting", "tiny", "--student", "wrn_10_1", "--methods", "sp_sad", "--masks", "weight",
        "vector-8", "--epochs", "3", "--seeds", "0", "--keep-share", "0.2", "--threads", "1",
        "--out", str(tmp_path / "runs"), "--results", str(results),
    ]  # fmt: skip
    assert mask_cost.main(options) == 0
    table = json.loads(results.read_text(encoding="utf-8"))
    weight, vector = table["rows"]
    assert (weight["mask"], vector["mask"]) == ("weight", "vector-8")
    assert all(row["zeros"] == pytest.approx(0.8, abs=0.02) for row in table["rows"])
    assert weight["minus_weight"] is None
    difference = vector["top1"]["mean"] - weight["top1"]["mean"]
    assert vector["minus_weight"]["difference"] == pytest.approx(difference)
    lost = weight["top1"]["mean"] - table["dense"]["mean"]
    assert weight["minus_dense"]["difference"] == pytest.approx(lost)
    assert "− mask of weights" in capsys.readouterr().out

    student = tmp_path / "runs" / "seed-0" / "sp_sad-weight" / "student.pt"
    written = student.stat().st_mtime_ns
    assert mask_cost.main(options) == 0
    assert student.stat().st_mtime_ns == written


def test_what_cannot_be_asked_for_is_told_in_one_line(
    mask_cost: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--setting", "tiny", "--keep-share", "5000", "--seeds", "0", "--out", str(tmp_path)]
    assert mask_cost.main([*options, "--results", str(tmp_path / "found.json")]) == 2
    (line,) = [li for li in capsys.readouterr().err.splitlines() if li.startswith("mask_cost: ")]
    assert "need a relative target" in line
    assert not (tmp_path / "found.json").exists()
