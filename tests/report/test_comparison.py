from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from edgeprune.errors import UserInputError
from edgeprune.report.comparison import compare_runs
from edgeprune.report.comparison_views import (
    comparison_notes,
    comparison_table,
    run_cells,
    write_comparison,
)


def _predict(folder: Path, right: int, samples: int = 400, classes: int = 7) -> None:
    """Student predictions of which the first `right` are correct."""
    targets = np.arange(samples) % classes
    student = np.where(np.arange(samples) < right, targets, (targets + 1) % classes)
    np.savez(folder / "test_predictions.npz", student=student, targets=targets)


@pytest.fixture
def runs(write_run: Any, tmp_path: Path) -> list[Path]:
    """Two methods with two seeds each."""
    folders = []
    for method, right in (("sp_sad", 300), ("ss_sad", 340)):
        for seed in (0, 1):
            figures = {"params": 5, "macs": 5, "metric": right / 4 + seed, "mask_sparsity": 0.0}
            folder = write_run(
                tmp_path / f"{method}-{seed}", method=method, seed=seed, student=figures
            )
            _predict(folder, right + 4 * seed)
            folders.append(folder)
    return folders


def test_every_run_is_compared_with_the_first(runs: list[Path]) -> None:
    comparison = compare_runs(runs)
    assert [run.name for run in comparison.runs] == ["sp_sad-0", "sp_sad-1", "ss_sad-0", "ss_sad-1"]
    first, second, third, _ = comparison.runs
    assert first.difference is None
    assert second.difference is not None
    assert second.difference.difference == pytest.approx(1.0)
    assert third.difference is not None
    assert third.difference.difference == pytest.approx(10.0)
    assert third.difference.is_clear
    assert first.speedup == pytest.approx(5.71 / 3.14)


def test_seeds_of_one_setting_form_a_group_paired_with_the_first(runs: list[Path]) -> None:
    first, second = compare_runs(runs).groups
    assert (first.names, first.seeds) == (("sp_sad-0", "sp_sad-1"), (0, 1))
    assert first.metric is not None
    assert (first.metric.mean, first.metric.count) == (75.5, 2)
    assert first.difference is None
    assert second.difference is not None
    assert second.difference.difference == pytest.approx(10.0)
    assert second.difference.seeds == 2


def test_why_there_is_no_interval_is_said(runs: list[Path]) -> None:
    (runs[1] / "test_predictions.npz").unlink()
    _predict(runs[2], 300, classes=5)
    comparison = compare_runs(runs)
    reasons = [run.why_no_difference for run in comparison.runs]
    assert reasons == ["the baseline", "this run keeps no test predictions",
                       "the runs were tested on different samples", ""]  # fmt: skip
    notes = comparison_notes(comparison)
    assert notes[0] == "sp_sad-1: no interval, this run keeps no test predictions."
    assert comparison.groups[1].difference is None
    (runs[0] / "test_predictions.npz").unlink()
    assert compare_runs(runs).runs[3].why_no_difference == "the first run keeps no test predictions"


def test_runs_of_other_settings_are_no_seeds_of_each_other(write_run: Any, tmp_path: Path) -> None:
    folders = [write_run(tmp_path / str(seed), seed=seed, epochs=10 + seed) for seed in (0, 1)]
    assert compare_runs(folders).groups == ()


def test_a_run_given_twice_is_refused(runs: list[Path]) -> None:
    with pytest.raises(UserInputError, match="given twice"):
        compare_runs([runs[0], runs[0] / "report.json"])


def test_folders_of_one_name_keep_their_paths(write_run: Any, tmp_path: Path) -> None:
    folders = [write_run(tmp_path / parent / "run") for parent in ("a", "b")]
    names = [run.name for run in compare_runs(folders).runs]
    assert names == [str(folder) for folder in folders]


def test_json_holds_plain_values(runs: list[Path]) -> None:
    content = json.loads(json.dumps(compare_runs(runs).as_dict()))
    assert content["baseline"] == str(runs[0])
    assert content["runs"][0]["difference_points"] is None
    assert content["runs"][2]["difference_points"]["difference"] == pytest.approx(10.0)
    assert content["runs"][2]["report"]["method"] == "ss_sad"
    assert content["seed_groups"][1]["metric"]["count"] == 2


def test_page_and_table_show_the_same_cells(runs: list[Path], tmp_path: Path) -> None:
    comparison = compare_runs(runs)
    page = write_comparison(comparison, tmp_path / "out" / "c.html").read_text(encoding="utf-8")
    for run in comparison.runs:
        for cell in run_cells(run):
            assert f"<td>{cell}</td>" in page
    assert page.count("<svg") == 2
    assert "Over seeds" in page


def test_a_narrow_terminal_shows_every_run_and_figure(runs: list[Path]) -> None:
    found = compare_runs(runs)
    ranked = [
        replace(run, report=replace(run.report, extra={"metric": "hr_at_10"})) for run in found.runs
    ]
    console = Console(width=80, file=io.StringIO())
    console.print(comparison_table(replace(found, runs=tuple(ranked))))
    shown = console.file.getvalue()
    assert max(map(len, shown.splitlines())) <= 80
    for run in found.runs:
        line = next(line for line in shown.splitlines() if line.startswith(f" {run.name[:4]}"))
        assert run.report.method in line
        assert line.rstrip().endswith(f"{run.speedup:.2f}")
