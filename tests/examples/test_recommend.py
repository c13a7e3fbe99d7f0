"""Recommending: the example, and the table of three methods."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from interactions import interaction_rows, write_ratings

ROOT = Path(__file__).parents[2]
BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    return write_ratings(tmp_path, interaction_rows(users=40))


def test_items_are_recommended_by_what_the_run_holds(
    run_example, ratings: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--teacher", "neumf_4", "--student", "neumf_2", "--teacher-epochs", "2",
               "--epochs", "1", "--repeats", "3", "--out", out)  # fmt: skip
    done = run_example("07_recommend.py", ratings, "--user", "u7", *options)
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "ss_sad" / "report.json").read_text())
    told = f"physically removed, tables included: {report['size_reduction']:.1%}"
    assert told in done.stdout
    assert re.findall(r"^batch +(\d+):", done.stdout, re.MULTILINE) == ["1", "64", "1024"]
    items = re.findall(r"^item (i\d+): ([+-]\d+\.\d+)$", done.stdout, re.MULTILINE)
    assert len({item for item, _ in items}) == 10
    scores = [float(score) for _, score in items]
    assert scores == sorted(scores, reverse=True)
    # Nothing is trained again for another user; one who is unknown is named.
    done = run_example("07_recommend.py", ratings, "--user", "stranger", *options)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "user_id 'stranger'" in line


def test_the_table_pairs_methods_with_the_dense_student(
    ratings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    table = importlib.import_module("ratings_table")
    results = tmp_path / "ratings.json"
    options = ["--seeds", "0", "--methods", "ss_sad", "--teacher", "neumf_4",
               "--student", "neumf_2", "--epochs", "1", "--teacher-epochs", "1",
               "--batch-size", "256", "--repeats", "3"]  # fmt: skip
    places = ["--runs", str(tmp_path / "runs"), "--results", str(results)]
    assert table.main([str(ratings), *options, *places, "--latency"]) == 0
    content = json.loads(results.read_text())
    named = {row["network"]: row for row in content["rows"]}
    assert set(named) == {"popularity", "EASE (linear)", "teacher", "dense SAD student", "ss_sad"}
    pruned, dense = named["ss_sad"], named["dense SAD student"]
    assert pruned["seeds"] == [0]
    assert pruned["size_reduction"] > 0.55
    difference = pruned["hr_minus_dense"]["difference"]
    assert difference == pytest.approx(pruned["hr"] - dense["hr"])
    assert pruned["hr_against_dense"] == pytest.approx(difference / dense["hr"])
    timed = {(entry["network"], entry["batch"]) for entry in content["latency"]}
    assert timed == {
        (name, batch) for name in ("teacher", "dense SAD student", "ss_sad")
        for batch in (1, 64, 1024)
    }  # fmt: skip
    small, whole = (
        next(e["onnx_bytes"] for e in content["latency"] if e["network"] == name)
        for name in ("ss_sad", "dense SAD student")
    )
    assert small < whole
    table_lines = results.with_suffix(".md").read_text().splitlines()
    assert len(table_lines) == 2 + len(content["rows"]) + 3 + 3


def test_the_readme_says_what_is_recorded() -> None:
    """All figures of a row of the record stand in one row of the README's tables."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Users and items")[2].partition("### Tables")[0]
    told = [line for line in section.splitlines() if line.startswith("|")]
    record = (BENCHMARKS / "results" / "ratings.md").read_text(encoding="utf-8")
    rows = [line for line in record.splitlines() if re.match(r"\| (?!network)\w", line)]
    assert len(rows) == 12
    for row in rows:
        figures = set(re.findall(r"\d[\d,]*\.\d+|\d[\d,]+", row)) - {"60.0", "60.1", "60.4", "10"}
        assert len(figures) >= 2, row
        assert any(all(figure in line for figure in figures) for line in told), row
