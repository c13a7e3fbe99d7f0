"""k is counted in rounds, however many epochs those are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from crash import train


@pytest.mark.parametrize(
    ("rewind", "passes"),
    [(0.25, [0.5]), (0.75, [1.0, 0.5]), (1.0, [1, 1]), (1.75, [1, 1, 1, 0.5])],
)
def test_early_weights_come_after_k_steps(
    digits_teacher: Path, tmp_path: Path, rewind: float, passes: list[float]
) -> None:
    train(
        {
            "teacher": digits_teacher,
            "data": "digits",
            "method": "ss_sad",
            "epochs": 2,
            "every": 2,
            "rounds": 1,
            "rewind": rewind,
            "batch_size": 128,
            "train_limit": 512,
            "beta": 0.0,
            "target_params": 0.5,
            "device": "cpu",
            "out": tmp_path,
        }
    )
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [row["passes"] for row in rows if row["stage"] == "rewind"] == passes
    round_rates = [row["lr"] for row in rows if row["stage"] == "round-1"]
    early_rates = [row["lr"] for row in rows if row["stage"] == "rewind"]
    if rewind == 1.0:
        assert early_rates == round_rates
    if rewind > 1.0:
        assert early_rates[1] > 2 * round_rates[1], "after a whole round it has not fallen as far"
        assert early_rates[-1] < early_rates[0] / 10
