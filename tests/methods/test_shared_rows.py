"""A compression whose student's tables lose rows first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from interactions import interaction_rows, write_ratings

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import UserInputError
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.registry import build_model
from edgeprune.models.row_map import MappedTable
from edgeprune.models.summary import count_params
from edgeprune.pipeline import compress
from edgeprune.report.rows import network_rows
from edgeprune.report.run_report import load_report
from edgeprune.report.story import tell

ARGS = {"num_classes": 1, "in_channels": 2, "rows": [61, 41]}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str, str]:
    """A teacher, a student, data and a method."""
    folder = tmp_path_factory.mktemp("ratings")
    torch.manual_seed(0)
    teacher = build_model("neumf_4", **ARGS)
    pairs = Preprocessing((0.0, 0.0), (1.0, 1.0), (1, 1), 2)
    held = checkpoint_of(teacher, arch="neumf_4", arch_args=ARGS, preprocessing=pairs)
    save_checkpoint(folder / "t.pt", held)
    data = write_ratings(folder, interaction_rows())
    return folder / "t.pt", "neumf_4", f"ratings:{data}", "sp_sad"


SETTINGS: dict[str, Any] = {
    "epochs": 2, "batch_size": 256, "device": "cpu", "warm_epochs": 0, "beta": 0.0,
    "target_params": 0.4, "table_rows": 0.5, "table_tail": "hashed", "table_min_rows": 40,
}  # fmt: skip


def test_shares_are_of_the_network_before(
    given: tuple[Path, str, str, str], tmp_path: Path
) -> None:
    report = compress(*given, out=tmp_path / "run", **SETTINGS)
    dense = count_params(build_model("neumf_4", **ARGS))
    assert report.dense_student["params"] == dense
    assert report.size_reduction == pytest.approx(0.6, abs=0.02)
    assert [row["ids"] for row in report.extra["table_rows"]] == [61, 41, 61, 41]
    held = load_report(tmp_path / "run")
    told = [s.text for s in tell(held, network_rows(held, None)) if s.topic == "Tables"]
    assert "61 ids read " in told[1]
    student = load_model(tmp_path / "run/student.pt", ModelOptions()).module
    assert isinstance(student.mlp_user, MappedTable)
    tables = held.extra["tables"]["student"]
    assert {one["ids"] for one in tables} == {61, 41}
    assert sum(one["params"] for one in tables) < report.student["params"]
    again = compress(*given, out=tmp_path / "run", **SETTINGS)
    assert again.student == report.student


def test_small_tables_are_told(given: tuple[Path, str, str, str], tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="no table of 100 rows or more"):
        compress(*given, out=tmp_path / "run", **{**SETTINGS, "table_min_rows": 100})
