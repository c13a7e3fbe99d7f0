"""Killed with SIGKILL at any moment, the same command ends with the same student."""

from __future__ import annotations

import random
from pathlib import Path

import crash
import pytest
import torch
from torch import Tensor

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


_FINISHED = {"granularity": "2:4", "qat": True, "warm_epochs": 0, "sparse_epochs": 2,
             "qat_epochs": 2, "round_to": 4}  # fmt: skip


@pytest.fixture(scope="module")
def finished(digits_teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    """The student of a run with both finishing stages that nobody killed."""
    out = tmp_path_factory.mktemp("finished")
    return crash.train({**_settings(digits_teacher, "sp_sad", out), **_FINISHED})


# Steps 12 to 17 are those of the 2:4 stage, 18 to 23 those of training for INT8; writes 4 and 5
# end an epoch and the stage in the one, 6 and 7 in the other.
@pytest.mark.parametrize(
    ("event", "count"),
    [("step", 12), ("step", 16), ("step", 18), ("step", 22), ("write", 5), ("write", 6)],
)
def test_killed_in_a_finishing_stage_it_ends_with_the_same_student(
    event: str, count: int, digits_teacher: Path, finished: dict[str, Tensor], tmp_path: Path
) -> None:
    settings = {**_settings(digits_teacher, "sp_sad", tmp_path / "run"), **_FINISHED}
    assert crash.run_and_kill(settings, event, count)
    found = crash.train(settings)
    assert found.keys() == finished.keys()
    assert any(name.startswith("scale of ") for name in found)
    assert all(torch.equal(found[name], finished[name]) for name in finished)


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
