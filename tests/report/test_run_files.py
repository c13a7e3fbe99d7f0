from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeprune.errors import CorruptFileError
from edgeprune.report.run_files import load_history, load_predictions


def test_absent_files_are_nothing_not_an_error(tmp_path: Path) -> None:
    assert load_history(tmp_path) == []
    assert load_predictions(tmp_path) is None


def test_history_and_predictions_come_back(write_run: Any, tmp_path: Path) -> None:
    write_run(tmp_path)
    assert len(load_history(tmp_path)) == 42
    predictions = load_predictions(tmp_path)
    assert predictions is not None
    assert predictions["student"].shape == predictions["targets"].shape == (1000,)


@pytest.mark.parametrize("line", ["", "{", "[]", '{"epoch": 1}', '{"stage": "a", "epoch": "b"}'])
def test_a_line_that_is_no_epoch_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text(f'{{"stage": "a", "epoch": 0}}\n{line}\n')
    with pytest.raises(CorruptFileError, match="line 2"):
        load_history(tmp_path)


def test_damaged_archives_are_one_line(write_run: Any, tmp_path: Path) -> None:
    path = write_run(tmp_path) / "test_predictions.npz"
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole[:200] + b"x" * 50 + whole[250:]):
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError) as caught:
            load_predictions(tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arrays",
    [
        {"student": np.zeros(3, np.int64)},
        {"targets": np.zeros(0, np.int64)},
        {"targets": np.zeros(3, np.int64), "student": np.zeros(2, np.int64)},
        {"targets": np.zeros(3, np.int64), "student": np.zeros(3, bool)},
        {"targets": np.array([object()] * 3)},
    ],
    ids=["no targets", "no samples", "other length", "not answers", "pickled objects"],
)
def test_arrays_that_do_not_belong_together_are_refused(
    arrays: dict[str, Any], tmp_path: Path
) -> None:
    np.savez(tmp_path / "test_predictions.npz", **arrays)
    with pytest.raises(CorruptFileError):
        load_predictions(tmp_path)
