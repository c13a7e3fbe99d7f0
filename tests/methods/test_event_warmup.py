"""After an event of SP-SAD the learning rate rises anew, for a share of the epoch."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from crash import train

from edgeprune.train.learner import Learner


def test_the_rate_rises_after_an_event_and_nowhere_else(
    digits_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: dict[int, list[float]] = defaultdict(list)
    plain = Learner.step

    def step(self: Learner, batch: Any, epoch: int, number: int, rate: float) -> Any:
        rates[epoch].append(rate)
        return plain(self, batch, epoch, number, rate)

    monkeypatch.setattr(Learner, "step", step)
    train({
        "teacher": digits_teacher, "data": "digits", "method": "sp_sad", "device": "cpu",
        "epochs": 3, "every": 1, "prune_until": 0.4, "warm_epochs": 0, "train_limit": 512,
        "batch_size": 64, "beta": 0.0, "target_params": 0.6, "out": tmp_path / "run", "lr": 0.04,
        "lr_schedule": "multistep", "warmup": 0.0, "event_warmup": 0.5,
    })  # fmt: skip
    steps = len(rates[0])
    assert steps >= 6
    assert rates[0] == rates[2] == [0.04] * steps
    rising = [0.04 * min(1.0, (number + 1) / (0.5 * steps)) for number in range(steps)]
    assert rates[1] == pytest.approx(rising)
