"""SP-SAD may train the whole student first; the report counts that as search."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from crash import train

from edgeprune.methods.outcome import search_epochs


def test_warm_epochs_come_first_and_count_as_search(digits_teacher: Path, tmp_path: Path) -> None:
    settings = {
        "teacher": digits_teacher, "data": "digits", "method": "sp_sad", "epochs": 3, "every": 1,
        "batch_size": 128, "train_limit": 512, "beta": 12.5, "target_params": 0.5, "device": "cpu",
    }  # fmt: skip
    warm = train({**settings, "warm_epochs": 2, "out": tmp_path / "warm"})
    cold = train({**settings, "warm_epochs": 0, "out": tmp_path / "cold"})
    history = (tmp_path / "warm" / "history.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in history]
    assert [(row["stage"], row["epoch"]) for row in rows] == [
        *(("warm", 0), ("warm", 1)),
        *(("sp-sad", 0), ("sp-sad", 1), ("sp-sad", 2)),
    ]
    assert rows[1]["params"] == rows[0]["params"] > rows[-1]["params"]
    assert search_epochs(rows) == 2
    assert not all(torch.equal(warm[name], cold[name]) for name in warm if name in cold)
