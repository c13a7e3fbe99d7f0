"""Controls may be asked for one after the other; the report keeps them all; one trains longer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgeprune.methods.training import final_training
from edgeprune.pipeline import compress
from edgeprune.recipe import resolve_recipe


def test_a_later_control_joins_the_earlier_ones(digits_teacher: Path, tmp_path: Path) -> None:
    names = []
    for controls in (["reinit"], ["ce"], ["reinit"]):
        report = compress(
            digits_teacher, "wrn_10_1", "digits", "sp_sad", out=tmp_path / "run", epochs=2,
            train_limit=128, batch_size=64, target_params=0.6, device="cpu", controls=controls,
        )  # fmt: skip
        names.append([control["name"] for control in report.controls])
        assert all(c["params"] == report.student["params"] for c in report.controls)
    assert names == [["reinit"], ["reinit", "ce"], ["reinit", "ce"]]


def test_the_dense_student_may_train_as_long_as_the_student_and_its_search(
    digits_teacher: Path, tmp_path: Path
) -> None:
    report = compress(
        digits_teacher, "wrn_10_1", "digits", "lth_sad", out=tmp_path / "run", epochs=2, every=1,
        rounds=1, rewind=0.5, train_limit=128, batch_size=64, target_params=0.6, device="cpu",
        controls=["dense-long"],
    )  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").open()]
    epochs = sum(row["stage"] == "control-dense-long" for row in rows)
    assert report.search_epochs == 1.5
    assert epochs == 2 + 2  # a started epoch is a whole one
    (control,) = report.controls
    assert control["params"] == report.dense_student["params"]


def test_a_longer_training_stretches_its_schedule() -> None:
    settings = {"epochs": 10, "milestones": [4, 8], "lr_schedule": "multistep", "data": "digits"}
    training = final_training(resolve_recipe("sp_sad", "quick", settings))
    longer = training.lengthened(25)
    assert (longer.epochs, longer.rate.epochs, longer.rate.milestones) == (25, 25, (10, 20))
    assert replace(longer, epochs=10, rate=training.rate) == training
    assert longer.rate.at(9.9) == pytest.approx(training.rate.at(3.9))
