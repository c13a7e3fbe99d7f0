from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeprune.report.missing import missing_figures
from edgeprune.report.rows import metric_of, network_rows, row_of, student_differences
from edgeprune.report.run_report import RunReport
from edgeprune.report.story import Statement, tell


def _story(report: RunReport, predictions: Any = None) -> dict[str, list[Statement]]:
    found: dict[str, list[Statement]] = {}
    for statement in tell(report, network_rows(report, predictions)):
        found.setdefault(statement.topic, []).append(statement)
    return found


def _arrays(correct: dict[str, int]) -> dict[str, np.ndarray]:
    """400 samples; the first n predictions of each network are right."""
    targets = np.zeros(400, np.int64)
    arrays = {name: (np.arange(400) >= right).astype(np.int64) for name, right in correct.items()}
    return {**arrays, "targets": targets}


def test_size_is_physical_and_sparsity_is_told_apart(make_report: Any) -> None:
    student = {"params": 703_284, "macs": 101_100_000, "metric": 70.0, "mask_sparsity": 0.9}
    story = _story(make_report(student=student, size_reduction=0.0, mac_reduction=0.0))
    assert "No parameter was physically removed" in story["Size"][0].text
    assert "90.0 %" in story["Sparsity"][0].text
    assert story["Size"][0].tone == "plain"
    story = _story(make_report())
    assert "60.0 %" in story["Size"][0].text
    assert "281,314" in story["Size"][0].text
    assert "Sparsity" not in story


def test_faster_is_said_with_the_measured_ratio(make_report: Any) -> None:
    speed = _story(make_report())["Speed"]
    assert "1.82 times as fast as the dense student" in speed[0].text
    assert speed[0].tone == "good"


@pytest.mark.parametrize(
    ("p50", "words"), [(5.71, "did not make the network faster"), (8.0, "slower: 1.40 times")]
)
def test_not_faster_is_said_and_the_dominating_layers_named(
    make_report: Any, p50: float, words: str
) -> None:
    latency = {"dense_student": {"p50": 5.71, "p99": 6.0}, "student": {"p50": p50, "p99": 9.0}}
    extra = {"dominating_layers": [{"name": "conv1", "share": 0.71}]}
    (statement,) = _story(make_report(latency_ms=latency, extra=extra))["Speed"]
    assert words in statement.text
    assert "conv1 (71.0 %)" in statement.text
    assert statement.tone == "warning"
    (statement,) = _story(make_report(latency_ms=latency, extra={}))["Speed"]
    assert "Which layers dominate was not measured" in statement.text


def test_no_latency_no_speed(make_report: Any) -> None:
    story = _story(make_report(latency_ms=None))
    assert "Speed" not in story
    assert any("latency_ms" in statement.text for statement in story["Not measured"])


def test_differences_are_judged_by_their_interval(make_report: Any) -> None:
    predictions = _arrays({"student": 300, "control_dense": 301, "teacher": 360,
                           "control_reinit": 302, "control_random-mask": 240,
                           "control_dense-ce": 340})  # fmt: skip
    story = _story(make_report(), predictions)
    dense, teacher = story["Accuracy"][1:]
    assert "cannot be told apart" in dense.text
    assert "is less accurate" in teacher.text
    assert teacher.tone == "warning"
    by_control = {statement.text.split("'")[1]: statement for statement in story["Controls"]}
    assert "does not win" in by_control["reinit"].text
    assert by_control["reinit"].tone == "warning"
    assert "is more accurate" in by_control["random-mask"].text
    assert by_control["random-mask"].tone == "good"
    # A larger control is no contest at equal size.
    assert "does not win" not in by_control["dense-ce"].text
    assert "703,284 parameters" in by_control["dense-ce"].text


def test_a_small_lead_of_the_teacher_is_pointed_out(make_report: Any) -> None:
    (lead,) = _story(make_report())["Teacher"]
    assert "4.20 points ahead of" in lead.text
    assert lead.tone == "plain"
    teacher = {"params": 9, "macs": 9, "metric": 71.0}
    (lead,) = _story(make_report(teacher=teacher))["Teacher"]
    assert "cannot rank" in lead.text
    assert lead.tone == "warning"


def test_an_unproved_removal_is_not_called_equal(make_report: Any) -> None:
    equivalence = {"max_abs_error": None, "max_rel_error": None, "dtype": "float64", "groups": 0,
                   "inexact_groups": ["a", "b"]}  # fmt: skip
    (proof,) = _story(make_report(equivalence=equivalence))["Proof"]
    assert "Nothing is claimed" in proof.text
    assert "Proof" not in _story(make_report(equivalence=None))


def test_missing_figures_carry_the_runs_reason_or_a_remedy(make_report: Any) -> None:
    dense = {"params": 9, "macs": 9, "metric": None}
    missing = missing_figures(make_report(dense_student=dense))
    assert missing["train_energy_j"].startswith("no RAPL counters")
    assert "--control dense" in missing["dense_student.metric"]
    assert "train_energy_j" not in missing_figures(make_report(train_energy_j=5.0, extra={}))


def test_joules_of_training_carry_their_scope(make_report: Any) -> None:
    energy = {"train_energy_j": 7200.0, "extra": {"train_energy_scope": "gpu_board"}}
    (training,) = _story(make_report(**energy))["Training"]
    assert "2.0 Wh (measured: gpu_board)" in training.text


def test_all_targets_are_told(make_report: Any) -> None:
    targets = [{"name": "target_params", "asked": 0.4, "reached": 0.39},
               {"name": "target_macs", "asked": 45_000_000, "reached": 44_900_000.0}]  # fmt: skip
    texts = [s.text for s in _story(make_report(extra={"targets": targets}))["Target"]]
    assert texts == [
        "target_params: 40.0 % asked, 39.0 % reached.",
        "target_macs: 45,000,000 asked, 44,900,000 reached.",
    ]


def test_the_dense_control_is_the_dense_student(make_report: Any) -> None:
    rows = network_rows(make_report(), _arrays({"student": 10, "control_dense": 30}))
    assert "control_dense" not in [row.key for row in rows]
    dense = row_of(rows, "dense_student")
    assert dense is not None
    assert dense.difference is not None
    assert dense.difference.difference == pytest.approx(-5.0)


def test_no_student_predictions_no_differences() -> None:
    assert student_differences(_arrays({"teacher": 3})) == {}


def test_another_metric_is_named(make_report: Any) -> None:
    metric = metric_of(make_report(extra={"metric": "mae"}))
    assert (metric.label, metric.text(0.8125), metric.text(None)) == ("mae", "0.8125", "–")
