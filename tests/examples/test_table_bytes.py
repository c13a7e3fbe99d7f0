"""The benchmark of tables in fewer bytes: its record, its table, and what the README says of it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from interactions import interaction_rows, write_ratings

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "examples" / "benchmarks" / "results" / "table_bytes.json"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location(
        "table_bytes", ROOT / "examples" / "benchmarks" / "table_bytes.py"
    )
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["table_bytes"] = found
    spec.loader.exec_module(found)
    return found


def test_the_record_is_the_table_and_the_readmes(script: ModuleType) -> None:
    held = json.loads(RESULTS.read_text(encoding="utf-8"))
    table = RESULTS.with_suffix(".md").read_text(encoding="utf-8")
    assert script.markdown(held) == table
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("### Tables")[2].partition("\n## ")[0]
    rows = {row["name"]: row for row in held["rows"]}
    for name in (
        "all rows, fp32",
        "all rows, fp16",
        "all rows, int8",
        "50% of the rows, shared, fp32",
    ):
        row = rows[name]
        assert f"{row['bytes'] / 1e3:,.0f} kB" in section, name
        assert f"{row['metric']:.4f}" in section, name
    assert rows["all rows, int8"]["bytes"] < 0.4 * rows["all rows, fp32"]["bytes"]


def test_it_runs_on_little_data(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two graphs, ranked and timed."""
    monkeypatch.setattr(script, "SHARED", ())
    monkeypatch.setattr(script, "TYPES", ("fp32", "int8"))
    monkeypatch.setattr(script, "BATCHES", (1, 64))
    folder = write_ratings(tmp_path, interaction_rows())
    given: list[Any] = [
        folder, "--arch", "neumf_4", "--epochs", "1", "--seconds", "0.02", "--repeats", "3",
        "--runs", tmp_path / "runs", "--results", tmp_path / "found.json",
    ]  # fmt: skip
    assert script.main([*map(str, given)]) == 0
    held = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    dense, rows = held["rows"]
    assert dense["metric"] == pytest.approx(held["network"])
    assert rows["bytes"] < dense["bytes"]
    assert 0 < rows["max_abs_error"] < 0.1
    assert [(t["name"], t["batch"]) for t in held["times"]] == [
        ("all rows, fp32", 1), ("all rows, int8", 1),
        ("all rows, fp32", 64), ("all rows, int8", 64),
    ]  # fmt: skip
