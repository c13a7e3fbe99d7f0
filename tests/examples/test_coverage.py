"""The coverage benchmark runs, compares both tools and goes on where it was."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ("benchmarks/coverage.py", "--threads", "1")


def test_both_tools_are_compared_on_the_same_figures(run_example, tmp_path: Path) -> None:
    out = tmp_path / "coverage.json"
    done = run_example(*SCRIPT, "--out", out, "--models", "wrn_10_1")
    assert done.returncode == 0, done.stderr[-2000:]
    content = json.loads(out.read_text())
    ours, peer = (content["models"]["wrn_10_1"][tool] for tool in ("edgeprune", "torch-pruning"))
    assert ours["before"] == peer["before"]
    assert ours["max_rel_error"] <= 1e-9
    assert peer["max_rel_error"] <= 1e-4
    assert not ours["fault"]
    assert not peer["fault"]
    assert {"trace", "groups", "choice", "proof", "surgery", "total"} <= ours["seconds"].keys()
    assert content["summary"]["ours_pruned"] == content["summary"]["peer_pruned"] == 1
    assert content["summary"]["seconds_without_proof_over_peer_median"] > 0
    assert "wrn_10_1" in done.stderr


def test_a_limit_that_is_too_short_is_told(run_example, tmp_path: Path) -> None:
    out = tmp_path / "coverage.json"
    options = ("--models", "wrn_10_1", "--tools", "torch-pruning", "--seconds", "0.01")
    done = run_example(*SCRIPT, "--out", out, *options)
    assert done.returncode == 0, done.stderr[-2000:]
    row = json.loads(out.read_text())["models"]["wrn_10_1"]["torch-pruning"]
    assert row == {"pruned": False, "why": "cut off after 0.01 s"}


def test_what_is_given_is_what_the_recorded_results_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    benchmarks = ROOT / "examples" / "benchmarks"
    monkeypatch.syspath_prepend(str(benchmarks))
    subjects = importlib.import_module("coverage_parts.subjects")
    given = {*subjects.torchvision_names(), *subjects.zoo_names()}
    for file, names in (
        ("coverage.json", {*given, *subjects.detection_names()}),
        ("engines.json", given),
    ):
        held = json.loads((benchmarks / "results" / file).read_text(encoding="utf-8"))
        assert names == held["models"].keys()
