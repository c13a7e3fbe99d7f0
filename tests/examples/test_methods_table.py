"""The table of methods: one row at a time, resumable, with the peer at the same budget."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from edgeprune.statistics import DifferenceInterval

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"
pytest.importorskip("torch_pruning", reason="the peer is an extra: pip install 'edgeprune[test]'")


@pytest.fixture
def methods_table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a setting that takes seconds."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    settings = importlib.import_module("table.settings").SETTINGS
    tiny = replace(
        settings["digits"],
        name="tiny",
        teacher_arch="wrn_10_1",
        student="wrn_10_1",
        epochs=2,
        settings={**settings["digits"].settings, "round_to": 4, "train_limit": 192},
        teacher_training={"epochs": 1, "batch_size": 64, "train_limit": 192},
        smaller=0.3,
    )
    monkeypatch.setitem(settings, "tiny", tiny)
    return importlib.import_module("methods_table")


def test_makes_a_row_and_what_it_starts_from_and_resumes(
    methods_table: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, results = tmp_path / "runs", tmp_path / "results" / "tiny.json"
    options = ["--setting", "tiny", "--out", str(out), "--device", "cpu", "--threads", "1"]
    assert methods_table.main([*options, "--rows", "peer-ce", "--results", str(results)]) == 0
    table = json.loads(results.read_text())
    rows = {row["name"]: row for row in table["rows"]}
    assert list(rows) == ["dense-ce", "sp_sad", "peer-ce"]
    dense = rows["dense-ce"]["params"]["0"]
    assert rows["sp_sad"]["params"]["0"] <= 0.4 * dense
    assert 0.2 * dense <= rows["peer-ce"]["params"]["0"] <= 0.4 * dense
    assert rows["peer-ce"]["macs"]["0"] <= 0.45 * rows["dense-ce"]["macs"]["0"]
    assert rows["peer-ce"]["cells"][2] == "2 + 2"  # it was trained before it was pruned
    (duel,) = table["duels"]
    assert (duel["first"], duel["second"]) == ("sp_sad", "peer-ce")
    assert duel["difference"]["low"] <= duel["difference"]["difference"]
    assert table["lead"]["difference"]["samples"] == 359
    assert "dense" in table["missing_rows"]
    printed = capsys.readouterr().err
    assert printed.index("points over the dense student") < printed.index("Torch-Pruning + CE")
    assert "| **SP-SAD** | 1 | 2 + 2 |" in results.with_suffix(".md").read_text()

    trained = _modified(out)
    assert methods_table.main([*options, "--rows", "peer-ce", "--results", str(results)]) == 0
    assert _modified(out) == trained
    assert json.loads(results.read_text())["rows"] == table["rows"]

    kept, again = tmp_path / "kept", tmp_path / "again.json"
    assert methods_table.main([*options, "--rows", "none", "--keep", str(kept)]) == 0
    assert not [*kept.rglob("*.pt"), *kept.rglob("*.onnx")]
    options[options.index(str(out))] = str(kept)
    assert methods_table.main([*options, "--rows", "none", "--results", str(again)]) == 0
    assert json.loads(again.read_text())["duels"] == table["duels"]
    assert json.loads(again.read_text())["rows"] == table["rows"]


def test_refuses_an_unknown_row_in_one_line(
    methods_table: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert methods_table.main(["--setting", "tiny", "--rows", "sad", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("methods_table: --rows sad: this table has dense-ce,")


def test_every_row_runs_alone_with_what_it_needs(methods_table: ModuleType) -> None:
    rows = importlib.import_module("table.rows")
    every = rows.rows_of(importlib.import_module("table.settings").SETTINGS["tiny"])
    assert len({row.name for row in every}) == len(every) == 5 + 2 + 1 + 3 * 5
    needs = {row.name: [r.name for r in methods_table.choose([row.name], every)] for row in every}
    assert needs["sp_sad"] == ["sp_sad"]
    assert needs["peer-sad"] == ["dense", "sp_sad", "peer-sad"]
    assert needs["ss_sad/reinit"] == ["ss_sad", "ss_sad/reinit"]
    assert needs["best"] == ["sp_sad", "lth_sad", "ss_sad", "best"]
    assert methods_table.choose(["none"], every) == ()


@pytest.mark.usefixtures("methods_table")
@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        (DifferenceInterval(1.0, 0.2, 1.8, 100, 1), "wins"),
        (DifferenceInterval(-1.0, -1.8, -0.2, 100, 1), "loses"),
        (DifferenceInterval(1.0, -0.2, 2.2, 100, 1), "no clear difference"),
        (None, "not compared"),
    ],
)
def test_a_method_wins_only_when_the_interval_leaves_out_zero(
    interval: DifferenceInterval | None, verdict: str
) -> None:
    duel = importlib.import_module("table.results").Duel("sp_sad", "peer-ce", interval)
    assert duel.verdict == verdict


@pytest.mark.usefixtures("methods_table")
@pytest.mark.parametrize(("lead", "can_rank"), [(2.9, False), (3.1, True)])
def test_says_when_the_teacher_leads_by_too_little(lead: float, can_rank: bool) -> None:
    results, render = (importlib.import_module(f"table.{name}") for name in ("results", "render"))
    interval = DifferenceInterval(lead, lead - 1, lead + 1, 5000, 1)
    found = results.Results((), 60.0, results.Duel("teacher", "dense-ce", interval), {}, ())
    assert found.can_rank is can_rank
    assert ("cannot rank distillation" in render.lead_line(found)) is not can_rank


def _modified(folder: Path) -> dict[str, int]:
    """When every result and state file was last written."""
    kept = [path for path in folder.rglob("*") if path.suffix in (".pt", ".onnx", ".npz")]
    return {str(path): path.stat().st_mtime_ns for path in [*kept, *folder.rglob("report.json")]}
