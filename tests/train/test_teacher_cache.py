"""A teacher asked once says bit for bit what it would say again, whatever happens to the folder."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from edgeprune.distill.summary import TapSummary
from edgeprune.errors import UserInputError
from edgeprune.train import teacher_cache
from edgeprune.train.teacher import Teacher
from edgeprune.train.teacher_cache import TeacherCache


class Counting(nn.Module):
    """A map, a stack of tokens and a vector to tap; counts its forward passes."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Conv2d(3, 4, 3, padding=1)
        self.stack = nn.Linear(4, 5)
        self.vector = nn.Linear(5, 6)
        self.passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        tokens: Tensor = self.stack(self.map(x).flatten(2).transpose(1, 2))
        answer: Tensor = self.vector(tokens.mean(1))
        return answer


@pytest.fixture
def network() -> Counting:
    torch.manual_seed(0)
    return Counting()


def teacher_of(network: nn.Module, folder: Path, **identity: str) -> Teacher:
    teacher = Teacher(network, ("map", "stack", "vector"), torch.arange(6).flip(0))
    teacher.cache = TeacherCache(folder, identity)
    return teacher


def batch(seed: int = 0) -> tuple[Tensor, ...]:
    return (torch.randn(4, 3, 5, 7, generator=torch.Generator().manual_seed(seed)),)


def assert_same(
    first: tuple[Tensor, list[TapSummary]], second: tuple[Tensor, list[TapSummary]]
) -> None:
    assert torch.equal(first[0], second[0])
    assert len(first[1]) == len(second[1]) == 3
    for a, b in zip(first[1], second[1], strict=True):
        assert torch.equal(a.pooled, b.pooled)
        assert (a.energy is None) == (b.energy is None)
        assert a.energy is None or b.energy is None or torch.equal(a.energy, b.energy)
        assert a.shape == b.shape


def test_a_batch_is_asked_once(network: Counting, tmp_path: Path) -> None:
    plain = Teacher(network, ("map", "stack", "vector"), torch.arange(6).flip(0))(batch())
    asked = network.passes
    first = teacher_of(network, tmp_path)(batch())
    again = teacher_of(network, tmp_path)(batch())  # as another process would
    assert network.passes == asked + 1
    assert_same(plain, first)
    assert_same(plain, again)
    assert [tap.shape for tap in again[1]] == [(4, 4, 5, 7), (4, 35, 5), (4, 6)]


def test_outputs_are_found_in_an_entry_with_taps(network: Counting, tmp_path: Path) -> None:
    outputs, _ = teacher_of(network, tmp_path)(batch())
    assert torch.equal(teacher_of(network, tmp_path).answers(batch()), outputs)
    assert network.passes == 1


def test_taps_are_not_found_in_an_entry_without(network: Counting, tmp_path: Path) -> None:
    teacher = teacher_of(network, tmp_path)
    teacher.answers(batch())
    assert len(teacher(batch())[1]) == 3
    assert network.passes == 2


@pytest.mark.parametrize("other", [batch(1), (batch()[0][:3],), (batch()[0].double(),)])
def test_another_batch_is_another_entry(
    network: Counting, tmp_path: Path, other: tuple[Tensor, ...]
) -> None:
    teacher_of(network, tmp_path)(batch())
    network.to(other[0].dtype)
    teacher_of(network, tmp_path)(other)
    assert network.passes == 2


def test_another_identity_is_another_folder(network: Counting, tmp_path: Path) -> None:
    teacher_of(network, tmp_path, weights="a")(batch())
    teacher_of(network, tmp_path, weights="b")(batch())
    assert network.passes == 2
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x80\x04."])
def test_a_damaged_entry_is_asked_for_again(
    network: Counting, tmp_path: Path, damage: bytes
) -> None:
    first = teacher_of(network, tmp_path)(batch())
    (entry,) = tmp_path.rglob("*.pt")
    entry.write_bytes(damage)
    assert_same(teacher_of(network, tmp_path)(batch()), first)
    assert network.passes == 2
    assert_same(teacher_of(network, tmp_path)(batch()), first)
    assert network.passes == 2, "the entry was not written anew"


def test_a_full_disk_stops_keeping_and_says_so_once(
    network: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(teacher_cache.shutil, "disk_usage", lambda _path: usage(1, 1, 0))
    notes: list[str] = []
    teacher = Teacher(network, ("map",))
    teacher.cache = TeacherCache(tmp_path, {}, notes.append)
    teacher(batch(0))
    teacher(batch(1))
    assert len(notes) == 1
    assert "asks the teacher" in notes[0]
    assert not list(tmp_path.rglob("*.pt"))


def test_a_file_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserInputError, match=r"--teacher-cache .*file: cannot be made"):
        TeacherCache(tmp_path / "file", {})
