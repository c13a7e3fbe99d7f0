from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgeprune.prune.tickets import KeptIndex, shared_names


@st.composite
def _two_cuts(draw: st.DrawFn) -> tuple[int, np.ndarray, np.ndarray]:
    size = draw(st.integers(2, 12))
    first = np.array(sorted(draw(st.sets(st.integers(0, size - 1), min_size=1))))
    second = np.array(sorted(draw(st.sets(st.integers(0, len(first) - 1), min_size=1))))
    return size, first, second


@given(_two_cuts())
def test_two_cuts_compose_like_slicing_twice(cuts: tuple[int, np.ndarray, np.ndarray]) -> None:
    size, first, second = cuts
    weight = torch.arange(size * 3.0).reshape(3, size)
    kept = KeptIndex().after({("w", 1): first}).after({("w", 1): second})
    expected = weight[:, torch.from_numpy(first)][:, torch.from_numpy(second)]
    assert torch.equal(kept.restrict({"w": weight})["w"], expected)


@given(_two_cuts())
def test_saving_and_loading_changes_nothing(cuts: tuple[int, np.ndarray, np.ndarray]) -> None:
    _, first, second = cuts
    kept = KeptIndex().after({("a.b", 0): first, ("c", 3): second})
    again = KeptIndex.from_dict(kept.as_dict())
    assert again.axes.keys() == kept.axes.keys()
    assert all(np.array_equal(again.axes[key], kept.axes[key]) for key in kept.axes)


def test_untouched_tensors_are_copied() -> None:
    weight = torch.ones(2)
    restricted = KeptIndex().restrict({"w": weight})["w"]
    restricted.zero_()
    assert weight.sum() == 2


def test_shared_tensors_are_cut_under_every_name() -> None:
    network = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
    network["b"].weight = network["a"].weight
    aliases = shared_names(network)
    assert aliases == {"b.weight": "a.weight"}
    kept = KeptIndex({("a.weight", 0): np.array([0, 2])})
    restricted = kept.restrict(network.state_dict(), aliases)
    assert restricted["a.weight"].shape == restricted["b.weight"].shape == (2, 4)
