"""Rating films: the example, and the table beside the paper's."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from films import film_rows, write_csv

from edgeprune.device.tensorrt.builder import load_builder
from edgeprune.device.tensorrt.engine_file import ensure_engine
from edgeprune.device.tensorrt.settings import BatchProfile, BuildAids, EngineSettings

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "films.csv", film_rows(120))


def test_films_are_rated_by_what_the_run_holds(run_example, films: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_example(
        "06_rate_films.py", films, "--student", "movie_cnn_1_8", "--teacher-epochs", "2",
        "--epochs", "2", "--repeats", "3", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "sp_sad" / "report.json").read_text())
    assert f"physically removed: {report['size_reduction']:.1%}" in done.stdout
    assert re.findall(r"^batch +(\d+):", done.stdout, re.MULTILINE) == ["1", "64", "1024"]
    assert len(re.findall(r"^2009: rated \d+\.\d, was \d+\.\d$", done.stdout, re.MULTILINE)) == 5
    graph = out / "sp_sad" / "student.onnx"
    pytest.importorskip("tensorrt_rtx", reason="needs tensorrt-rtx")
    settings = EngineSettings(batch=BatchProfile(1, 64, 1024), sm="86")
    engine = ensure_engine(
        graph, tmp_path / "student.engine", load_builder("tensorrt-rtx", None), settings,
        BuildAids(),
    )  # fmt: skip
    assert engine.plan_bytes > 0


def test_the_table_has_a_row_for_all_that_is_finished(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    table = importlib.import_module("movies_table")
    cells = list(table.cells_of(table.GROUPS, table.METHODS, table.KEPT, [0]))
    assert len(set(cells)) == len(cells) == 30
    assert [cell.leads for cell in cells] == 5 * [True, *5 * [False]]
    results = tmp_path / "movies.json"
    options = ["--groups", "social", "--methods", "lth_sad", "--kept", "0.55", "--batch-size", "32",
               "--student", "movie_cnn_1_8", "--epochs", "2", "--teacher-epochs", "1"]  # fmt: skip
    places = ["--runs", str(tmp_path / "runs"), "--results", str(results)]
    assert table.main([str(films), *options, *places, "--verify"]) == 0
    rows = json.loads(results.read_text())["rows"]
    named = {row["network"]: row for row in rows}
    dense, longer = named["dense SAD student"], named["dense SAD student, trained as long"]
    pruned = named["lth_sad"]
    assert set(named) - {pruned["network"], dense["network"], longer["network"]} == {
        "constant", "ridge", "gradient-boosted trees", "teacher",
    }  # fmt: skip
    assert longer["epochs"] == pruned["epochs"] + pruned["search_epochs"] > dense["epochs"] == 2
    for label, other in (("dense", dense), ("dense_long", longer)):
        assert pruned[f"minus_{label}"]["difference"] == pytest.approx(pruned["mse"] - other["mse"])
        against = pruned[f"mse_against_{label}"]
        assert against == pytest.approx(pruned["mse"] / other["mse"] - 1)
        assert pruned["bar"][label]["within_2_percent"] == (against <= 0.02)
    report = json.loads(next((tmp_path / "runs").glob("*/social-*/report.json")).read_text())
    mse = report["regression"]["errors"]["student"]["mse"]
    assert pruned["mse"] == pytest.approx(mse)
    (checked,) = pruned["verified"]
    assert checked["within_limits"]
    assert 0 < checked["max_abs_error"] < 1e-4
    assert checked["tensorrt_rtx"] in {"built", "compared", "unsupported"}
    page = results.with_suffix(".md").read_text()
    assert sum(line.startswith("| social ") for line in page.splitlines()) == len(rows)


def test_the_table_takes_the_mean_over_the_seeds_and_counts_what_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    rows = importlib.import_module("film_table.rows")
    render = importlib.import_module("film_table.render")
    rng = np.random.default_rng(0)
    targets = rng.normal(6, 1, 400)
    folders = {}
    for seed, wrong in ((0, 0.5), (1, 0.7)):
        at = {name: targets + rng.normal(0, 0.5, 400) for name in rows.BASELINES}
        at |= {name: targets + rng.normal(0, 0.5, 400) for name in ("teacher", "control_dense")}
        at |= {"control_dense-long": targets + 0.1, "student": targets + wrong, "targets": targets}
        folder = rows.Cell("social", "lth_sad", 0.55, seed).folder(tmp_path)
        folder.mkdir(parents=True)
        (folder / "report.json").touch()
        folders[folder] = at
    report = SimpleNamespace(
        teacher={"params": 9}, dense_student={"params": 100}, student={"params": 56},
        size_reduction=0.44, epochs=6, search_epochs=6.0, onnx={"bytes": 1},
    )  # fmt: skip
    monkeypatch.setattr(rows, "load_report", lambda _folder: report)
    monkeypatch.setattr(rows, "load_predictions", folders.get)
    found = rows.table_rows(tmp_path, [0, 1, 2])
    pruned = next(row for row in found if row["network"] == "lth_sad")
    assert pruned["seeds"] == [0, 1]
    assert pruned["mse"] == pytest.approx((0.5**2 + 0.7**2) / 2)
    assert pruned["mse_low"] < pruned["mse"] < pruned["mse_high"]
    assert pruned["bar"]["dense"]["size"] is False
    assert pruned["bar"]["dense_long"] == {
        "size": False, "within_2_percent": False, "inside_interval": False,
    }  # fmt: skip
    told = "\n".join(render.misses(found))
    assert "0 of 1 cells keep the bar against the dense student at equal epochs" in told
    assert "not: social lth_sad −44 %" in told
