from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgeprune.errors import CorruptFileError, UserInputError
from edgeprune.report.run_report import RunReport, load_report

# The interface, as the design fixes it.
_KEYS = {
    "method", "preset", "seed", "epochs", "search_epochs", "teacher", "dense_student", "student",
    "size_reduction", "mac_reduction", "target", "equivalence", "skipped", "onnx", "latency_ms",
    "train_seconds", "train_energy_j", "controls", "seed_runs", "versions",
}  # fmt: skip


def test_json_has_the_keys_of_the_interface_and_the_extras_beside_them(make_report: Any) -> None:
    written = json.loads(make_report().to_json())
    assert set(written) >= _KEYS
    assert written["equivalence"]["max_rel_error"] == 3.1e-13
    assert written["latency_ms"]["student"] == {"p50": 3.14, "p99": 3.88}
    assert written["metric"] == "top1_percent"
    assert written["train_energy_j"] is None
    assert "extra" not in written


def test_round_trip_keeps_everything_and_unknown_keys(make_report: Any) -> None:
    report = make_report(extra={"board": {"name": "orin"}}, equivalence=None, onnx=None)
    report.teacher["note"] = "found on a shelf"
    assert RunReport.from_json(report.to_json()) == report


def test_nullable_fields_may_be_null(make_report: Any) -> None:
    figures = {"params": 3, "macs": 5, "metric": None}
    report = make_report(
        target=None, latency_ms={"student": None}, train_seconds=None, dense_student=figures
    )
    assert RunReport.from_json(report.to_json()) == report


def test_a_figure_that_is_no_number_is_not_written(make_report: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        make_report(train_seconds=float("nan")).to_json()


def _edited(make_report: Any, path: str, value: object) -> str:
    content = json.loads(make_report().to_json())
    *parents, last = path.split(".")
    place = content
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("student", ...),
        ("student.params", "many"),
        ("student.params", True),
        ("student.mask_sparsity", ...),
        ("size_reduction", None),
        ("seed", 1.5),
        ("latency_ms.student.p50", "fast"),
        ("controls.0.name", 7),
        ("skipped", {}),
        ("equivalence.inexact_groups", 3),
        ("layers", [{"name": "conv1"}]),
        ("missing", ["energy"]),
        ("versions", None),
    ],
    ids=str,
)
def test_another_shape_is_one_line_that_names_the_key(
    make_report: Any, path: str, value: object
) -> None:
    with pytest.raises(CorruptFileError) as caught:
        RunReport.from_json(_edited(make_report, path, value), "runs/a/report.json")
    line = str(caught.value)
    assert line.startswith("runs/a/report.json: ")
    assert path.split(".")[0] in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "NaN",
        '{"method": 1}',
        '{"seed": NaN}',
        "[" * 100_000,
        b"\xff\xfe\x00",
    ],
    ids=lambda text: repr(text[:10]),
)
def test_foreign_text_is_one_line(text: str | bytes) -> None:
    with pytest.raises(CorruptFileError) as caught:
        RunReport.from_json(text)
    assert "\n" not in str(caught.value)


def test_load_by_folder_and_by_file(write_run: Any, make_report: Any, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a")
    assert load_report(folder) == load_report(folder / "report.json") == make_report()


def test_missing_reports_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="no such run"):
        load_report(tmp_path / "absent")
    with pytest.raises(UserInputError, match="unfinished run is finished by"):
        load_report(tmp_path)
    (tmp_path / "report.json").mkdir()
    with pytest.raises(UserInputError, match="cannot be read"):
        load_report(tmp_path)
