"""From a weight ticket to a channel ticket: the densest channels stay, whole, and the rest goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crash
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeprune.methods.student import Student
from edgeprune.models.registry import build_model
from edgeprune.pipeline import compress
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.graph.types import ChannelGroup
from edgeprune.prune.tickets import KeptIndex

_REFILL = {
    "student": "wrn_10_1",
    "data": "digits",
    "epochs": 2,
    "every": 1,
    "rounds": 2,
    "train_limit": 192,
    "batch_size": 64,
    "granularity": "weight",
    "refill": True,
    "target_params": 0.4,
    "round_to": 2,
    "rewind": 0.0,
    "device": "cpu",
}


def _state(out: Path, stage: str) -> dict[str, Any]:
    held: dict[str, Any] = torch.load(out / "state" / f"{stage}.done.pt", weights_only=True)
    return held


def _plain_density(group: ChannelGroup, masks: dict[str, Tensor], channel: int) -> float:
    parts = [
        masks[s.tensor].select(s.axis, int(position)).flatten()
        for s in group.slices
        if s.tensor in masks
        for position in s.index[s.channel == channel]
    ]
    return float(torch.cat(parts).double().mean())


def _narrowed(group: ChannelGroup, kept: dict[str, Tensor]) -> NDArray[np.bool_] | None:
    """Which channels of a group are left; None where all are."""
    writer = next(s for s in group.slices if s.writes)
    positions = kept.get(f"{writer.tensor}:{writer.axis}")
    if positions is None:
        return None
    stays = np.zeros(group.size, dtype=bool)
    stays[writer.channel[np.isin(writer.index, positions.numpy())]] = True
    return stays


@pytest.fixture(scope="module")
def finished(digits_teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with refill."""
    out = tmp_path_factory.mktemp("refill") / "run"
    crash.train({**_REFILL, "teacher": digits_teacher, "method": "lth_sad", "out": out})
    return out


def test_the_densest_channels_of_every_group_stay(finished: Path) -> None:
    masks = _state(finished, "cut-2")["network"]["masks"]
    kept = _state(finished, "refill")["network"]["kept"]
    network = build_model("wrn_10_1", num_classes=10, in_channels=1)
    graph = find_channels(network, (torch.zeros(1, 1, 8, 8),))
    found = [(group, _narrowed(group, kept)) for group in graph.groups]
    narrowed = [(group, stays) for group, stays in found if stays is not None]
    assert len(narrowed) >= 2
    for group, stays in narrowed:
        densities = np.array([_plain_density(group, masks, c) for c in range(group.size)])
        assert 0 < stays.sum() < group.size
        assert densities[stays].min() >= densities[~stays].max()


def test_kept_channels_are_whole_again(finished: Path) -> None:
    network = _state(finished, "refill")["network"]
    assert network["masks"] is None
    weights = [weight for weight in network["weights"].values() if weight.dim() == 4]
    assert weights
    assert all((weight != 0).all() for weight in weights)


def test_surviving_weights_are_trained_ones_and_the_others_early_ones(finished: Path) -> None:
    """What the snapshot holds is what `ticket_init: trained` goes on from."""
    cut, refilled = (_state(finished, stage)["network"] for stage in ("cut-2", "refill"))
    kept = KeptIndex.from_dict(refilled["kept"])
    masks, trained = kept.restrict(cut["masks"]), kept.restrict(cut["weights"])
    for name, mask in masks.items():
        found = refilled["weights"][name]
        assert torch.equal(found[mask], trained[name][mask])
        assert (trained[name][~mask] == 0).all()
        assert (found[~mask] != 0).all()
    assert any(masks[name].numel() < mask.numel() for name, mask in cut["masks"].items())


@pytest.mark.parametrize("method", ["lth_sad", "ss_sad"])
def test_the_student_is_physically_of_the_size_that_was_asked_for(
    method: str, digits_teacher: Path, tmp_path: Path
) -> None:
    settings = {key: value for key, value in _REFILL.items() if key not in ("student", "data")}
    report = compress(
        digits_teacher, "wrn_10_1", "digits", method, out=tmp_path / "run",
        controls=["random-mask"], **settings,
    )  # fmt: skip
    assert report.target["name"] == "target_params"
    assert report.size_reduction == pytest.approx(0.6, abs=0.05)
    assert report.student["params"] <= 0.4 * report.dense_student["params"]
    assert report.student["mask_sparsity"] == 0.0
    assert report.equivalence["max_rel_error"] < 1e-9
    assert report.controls[0]["params"] == report.student["params"]


@pytest.mark.parametrize(("event", "count"), [("surgery", 0), ("write", 4), ("step", 8)])
def test_killed_around_the_refill_it_ends_with_the_same_student(
    event: str, count: int, digits_teacher: Path, finished: Path, tmp_path: Path
) -> None:
    settings = {**_REFILL, "teacher": digits_teacher, "method": "lth_sad", "out": tmp_path / "run"}
    expected = crash.train({**settings, "out": finished})
    assert crash.run_and_kill(settings, event, count)
    found = crash.train(settings)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_student_without_masks_has_nothing_to_refill() -> None:
    with pytest.raises(AssertionError, match="nothing is masked"):
        Student(lambda: nn.Conv2d(1, 1, 1)).refill({})
