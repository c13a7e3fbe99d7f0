"""A run that is told to keep the teacher's answers ends with the same weights, and asks less."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from crash import train

from edgeprune.train.teacher import Teacher


def test_same_weights_and_one_forward_per_batch(
    digits_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    plain = Teacher._ask

    def counting(self: Teacher, inputs: tuple[torch.Tensor, ...]) -> object:
        asked.append(len(inputs[0]))
        return plain(self, inputs)

    monkeypatch.setattr(Teacher, "_ask", counting)
    settings = {
        "teacher": digits_teacher, "data": "digits", "method": "lth_sad", "epochs": 2, "every": 1,
        "rounds": 2, "rewind": 0.5, "batch_size": 128, "train_limit": 512, "beta": 12.5,
        "target_params": 0.5, "device": "cpu",
    }  # fmt: skip
    without = train({**settings, "out": tmp_path / "a"})
    asked_without = len(asked)
    asked.clear()
    kept = train({**settings, "out": tmp_path / "b", "teacher_cache": tmp_path / "cache"})
    assert without.keys() == kept.keys()
    assert all(torch.equal(without[name], kept[name]) for name in without)
    # k steps and two rounds see the batches of the first epoch, the last training those of both.
    assert len(asked) == 2 * 4
    assert asked_without == 2 + 4 + 4 + 2 * 4
