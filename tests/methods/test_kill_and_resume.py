"""Killed with SIGKILL at any moment, the same command ends with the same student."""

from __future__ import annotations

import random
from pathlib import Path

import crash
import pytest
import torch

QUICK = {
    "student": "wrn_10_1",
    "data": "digits",
    "preset": "quick",
    "epochs": 4,
    "prune_until": 0.6,  # two removals in four epochs
    "rounds": 2,  # and in a lottery
    "train_limit": 192,
    "batch_size": 64,
    "target_params": 0.6,
    "device": "cpu",
}


def _settings(teacher: Path, method: str, out: Path) -> crash.Settings:
    return {**QUICK, "teacher": teacher, "method": method, "out": out}


@pytest.fixture(scope="module")
def undisturbed(
    digits_teacher: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, torch.Tensor]]:
    """The student of each method, from runs that nobody killed."""
    students = {}
    for method in ("sp_sad", "lth_sad", "ss_sad"):
        out = tmp_path_factory.mktemp(method)
        students[method] = crash.train(_settings(digits_teacher, method, out))
    return students


def _moments() -> list[tuple[str, str, int]]:
    """Twenty moments over the three methods, six of them in a surgery, seven in a state write."""
    rng = random.Random(0)
    events = ["surgery"] * 6 + ["write"] * 7 + ["step"] * 7
    furthest = {"surgery": 2, "write": 4, "step": 12}
    methods = ("sp_sad", "lth_sad", "ss_sad")
    return [
        (methods[number % 3], event, rng.randrange(furthest[event]))
        for number, event in enumerate(events)
    ]


@pytest.mark.parametrize(("method", "event", "count"), _moments())
def test_a_killed_run_goes_on_to_the_same_student(
    method: str,
    event: str,
    count: int,
    digits_teacher: Path,
    undisturbed: dict[str, dict[str, torch.Tensor]],
    tmp_path: Path,
) -> None:
    settings = _settings(digits_teacher, method, tmp_path / "run")
    assert crash.run_and_kill(settings, event, count), f"no {event} number {count} to be killed at"
    found = crash.train(settings)
    expected = undisturbed[method]
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not list((tmp_path / "run").rglob("*.tmp"))


def test_killed_again_and_again_it_still_ends(
    digits_teacher: Path, undisturbed: dict[str, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    settings = _settings(digits_teacher, "sp_sad", tmp_path / "run")
    kills = 0
    while crash.run_and_kill(settings, "step", 4):
        kills += 1
        assert kills < 20
    assert kills >= 2
    found = crash.train(settings)
    assert all(torch.equal(found[name], tensor) for name, tensor in undisturbed["sp_sad"].items())
