"""Runs under a budget in milliseconds, from the search to the verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import crash
import pytest
import torch
from synthetic_meter import SyntheticMeter

from edgeprune.deploy.meter import Figures
from edgeprune.errors import (
    BudgetMissedError,
    EdgepruneError,
    UnsupportedError,
    UserInputError,
)
from edgeprune.methods.measured.verdict import require_measured
from edgeprune.pipeline import compress
from edgeprune.report.run_report import load_report
from edgeprune.report.story import tell

_TINY: dict[str, Any] = {
    "student": "wrn_10_1",
    "data": "digits",
    "method": "sp_sad",
    "epochs": 3,
    "every": 1,
    "prune_until": 1.0,
    "warm_epochs": 0,
    "train_limit": 192,
    "batch_size": 64,
    "round_to": 4,
    "width_candidates": 4,
    "beta": 0.0,
    "device": "cpu",
}
_ASKED_MS = 0.8  # of 1.84, by the meter's formula
_NARROWEST_MS = 0.36


@pytest.fixture(scope="module")
def settings(digits_teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of every run; tables are measured once."""
    tables = tmp_path_factory.mktemp("tables")
    return {**_TINY, "teacher": digits_teacher, "table_cache": tables, "meter": SyntheticMeter()}


@pytest.fixture(scope="module")
def missed(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose student takes longer, once it is delivered, than its widths did before."""
    out = tmp_path_factory.mktemp("missed") / "run"
    with pytest.raises(
        BudgetMissedError, match=r"target-latency-ms 0\.8: the student takes 1\.0\d* ms,"
    ):
        compress(
            **{**settings, "meter": SyntheticMeter(late=1.3)}, out=out, target_latency_ms=_ASKED_MS
        )
    return out


def test_widths_are_measured_and_corrected_before_they_are_trained(missed: Path) -> None:
    report = load_report(missed)
    events = report.extra["events"]
    assert len(events) == 2
    assert events[0]["params"] > events[1]["params"]
    assert "rounds" not in events[0], "widths on the way are not measured"
    found = report.extra["measured_budget"]
    assert 1 <= len(found["rounds"]) <= 3
    assert found["rounds"][-1]["measured"]["target_latency_ms"] == pytest.approx(
        _ASKED_MS, rel=0.05
    )
    tried = found["search"]["candidates"]
    assert 1 < len(tried) <= 4
    assert tried[0]["measured"]["target_latency_ms"] == pytest.approx(_ASKED_MS, rel=0.05)
    assert found["search"]["seconds"] > 0
    last = {name: n for name, n in tried[0]["widths"].items() if name.endswith("conv1")}
    left = {layer["name"]: layer["width_after"] for layer in report.extra["layers"]}
    assert last == {name: left[name] for name in last}
    assert found["planned"][-1]["measured"]["target_latency_ms"] == pytest.approx(
        _ASKED_MS, rel=0.05
    )
    kept = [json.loads(path.read_text("utf-8")) for path in (missed / "measured").glob("*.json")]
    thorough = [n for each in kept for n in each.get("variants", ()) if n.endswith(" in 3 calls")]
    assert len(thorough) == len(found["rounds"]), "final widths, and they alone"


def test_a_missed_budget_is_told_after_everything_is_written(
    missed: Path, settings: dict[str, Any]
) -> None:
    report = load_report(missed)
    assert report.target is not None
    cost = report.extra["measured_budget"]["student"]["target_latency_ms"]
    assert report.target["reached"] == cost["cost"] == cost["share"] * cost["dense"]
    assert report.target["reached"] == pytest.approx(1.3 * _ASKED_MS, rel=0.06)
    assert report.target["rounds"] == len(report.extra["measured_budget"]["rounds"])
    assert cost["low"] <= cost["share"] <= cost["high"]
    assert {"student.pt", "student.onnx", "recipe.yaml"} <= {p.name for p in missed.iterdir()}
    texts = [statement.text for statement in tell(report, [])]
    assert any("0.8 ms asked" in text for text in texts)
    idle = SyntheticMeter()
    with pytest.raises(BudgetMissedError):
        compress(**{**settings, "meter": idle}, out=missed, target_latency_ms=_ASKED_MS)
    assert idle.measured == []


def test_what_is_reached_within_five_percent_is_no_miss(missed: Path) -> None:
    report = load_report(missed)
    assert report.target is not None
    require_measured(report, {})
    require_measured(report, {"target_latency_ms": report.target["reached"] / 1.04})
    with pytest.raises(BudgetMissedError):
        require_measured(report, {"target_latency_ms": report.target["reached"] / 1.06})


class _Refusing(SyntheticMeter):
    """Everything that a run has measured it knows."""

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        raise AssertionError(f"measured again: {', '.join(graphs)}")


def test_tickets_get_the_widths_too_and_an_interrupted_run_decides_as_before(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    """Without its state a run starts anew, and measures nothing again."""
    of_run = {
        **settings, "method": "lth_sad", "epochs": 1, "rounds": 2, "rewind": 0.0,
        "out": tmp_path / "run", "target_latency_ms": _ASKED_MS, "target_params": 0.7,
    }  # fmt: skip
    weights = crash.train(of_run)
    cuts = [
        torch.load(tmp_path / "run" / "state" / f"cut-{n}.done.pt", weights_only=True)["record"]
        for n in (1, 2)
    ]
    assert "rounds" not in cuts[0]
    assert cuts[1]["reached"]["target_latency_ms"] == pytest.approx(_ASKED_MS, rel=0.05)
    assert cuts[1]["reached"]["target_params"] <= 0.7
    for state in (tmp_path / "run" / "state").glob("*.pt"):
        state.unlink()
    again = crash.train({**of_run, "meter": _Refusing()})
    assert weights.keys() == again.keys()
    assert all(torch.equal(weights[name], again[name]) for name in weights)


@pytest.mark.parametrize(
    ("asked", "failure", "told"),
    [
        ({"target_latency_ms": 5.0}, UserInputError, "takes 1.8. ms as it is, .* nothing to prune"),
        ({"target_latency_ms": 0.1}, BudgetMissedError, "floor 0.1 and round_to 4 .* takes 0.[34]"),
        ({"target_energy_mj": 1.0}, UnsupportedError, "no sensor measures the energy of a formula"),
        ({"target_latency_ms": 0.8, "granularity": "weight", "target_params": 0.5},
         UserInputError, "masks leave all widths"),
        ({"target_latency_ms": 0.8, "ignored_layers": ("*",)}, BudgetMissedError, "no channel"),
        ({"target_params": 0.5}, UserInputError, "nothing is measured there without a budget"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_trained(
    asked: dict[str, Any],
    failure: type[EdgepruneError],
    told: str,
    settings: dict[str, Any],
    tmp_path: Path,
) -> None:
    meter = SyntheticMeter()
    own = {**settings, "meter": meter, "table_cache": tmp_path / "tables"}
    with pytest.raises(failure, match=told):
        compress(**own, **asked, out=tmp_path / "run")
    assert len(meter.measured) <= 1, "of seven calls for the tables"
    assert not list(tmp_path.rglob("*.pt"))


def test_only_a_budget_missed_by_far_is_refused_before_the_tables_are_whole(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    """The first call may fall into a slow minute, in which all networks take longer."""
    meter = SyntheticMeter()
    own = {**settings, "meter": meter, "table_cache": tmp_path / "tables"}
    with pytest.raises(BudgetMissedError, match="the narrowest network"):
        compress(**own, out=tmp_path / "run", target_latency_ms=_NARROWEST_MS / 1.5)
    assert len(meter.measured) > 1
