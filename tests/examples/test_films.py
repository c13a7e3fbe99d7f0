"""Rating films: the example, and the table beside the paper's."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

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
    cells = list(table.order(table.GROUPS))
    assert len(set(cells)) == len(cells) == 30
    assert [cell[0] for cell in cells[:7]] == ["all"] * 6 + ["social"]
    monkeypatch.setattr(table, "METHODS", ("sp_sad",))
    monkeypatch.setattr(table, "KEPT", (0.55,))
    results = tmp_path / "movies.json"
    options = ["--groups", "social", "--student", "movie_cnn_1_8", "--epochs", "2",
               "--teacher-epochs", "1", "--batch-size", "32"]  # fmt: skip
    places = ["--runs", str(tmp_path / "runs"), "--results", str(results)]
    assert table.main([str(films), *options, *places]) == 0
    rows = json.loads(results.read_text())["rows"]
    named = {row["network"]: row for row in rows}
    assert set(named) == {*table.BASELINES, "teacher", "dense SAD student", "sp_sad"}
    pruned, dense = named["sp_sad"], named["dense SAD student"]
    assert pruned["minus_dense"]["difference"] == pytest.approx(pruned["mse"] - dense["mse"])
    assert pruned["mse_against_dense"] == pytest.approx(pruned["mse"] / dense["mse"] - 1)
    assert len(results.with_suffix(".md").read_text().splitlines()) == 2 + len(rows)
