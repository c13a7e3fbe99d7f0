"""Splits partition, keep the classes' proportions, and shards partition batches."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.data.randomness import keyed_generator
from edgeprune.data.split import carve, limit, num_train_batches, shard, stratified_order
from edgeprune.errors import UserInputError

_TARGETS = st.lists(st.integers(0, 4), min_size=2, max_size=200).map(torch.tensor)


@settings(max_examples=100, deadline=None)
@given(_TARGETS, st.integers(0, 99))
def test_every_prefix_is_stratified(targets: torch.Tensor, seed: int) -> None:
    order = stratified_order(targets, keyed_generator(seed))
    assert order.sort().values.equal(torch.arange(len(targets)))
    classes = int(targets.unique().numel())
    for label in targets.unique():
        members = targets == label
        share = members.double().mean()
        ideal = torch.arange(1, len(targets) + 1) * share
        reached = members[order].cumsum(0)
        # Half an image of rounding, and the rounding of all other classes in this one's share.
        assert (reached - ideal).abs().max() <= 0.5 + share * classes / 2 + 1e-9


@settings(max_examples=100, deadline=None)
@given(_TARGETS, st.floats(0.3, 0.7), st.integers(0, 99))
def test_carving_partitions(targets: torch.Tensor, fraction: float, seed: int) -> None:
    rest, carved = carve(targets, fraction, keyed_generator(seed))
    assert torch.cat([rest, carved]).sort().values.equal(torch.arange(len(targets)))
    assert len(carved) == round(len(targets) * fraction)


def test_carving_balanced_classes_is_exact() -> None:
    targets = torch.arange(10).repeat(50)
    rest, carved = carve(targets, 0.1, keyed_generator(0, "split"))
    assert torch.bincount(targets[carved]).tolist() == [5] * 10
    assert torch.bincount(targets[rest]).tolist() == [45] * 10


def test_carving_depends_on_the_seed() -> None:
    targets = torch.arange(10).repeat(50)
    first, again, other = (carve(targets, 0.1, keyed_generator(s))[1] for s in (0, 0, 1))
    assert first.equal(again)
    assert not first.equal(other)


def test_regression_targets_are_carved_at_random() -> None:
    rest, carved = carve(torch.linspace(0, 1, 100), 0.2, keyed_generator(0))
    assert (len(rest), len(carved)) == (80, 20)


@pytest.mark.parametrize("fraction", [-0.1, 0.0, 0.001, 0.999, 1.0, 1.5])
def test_carving_nothing_or_everything_is_refused(fraction: float) -> None:
    with pytest.raises(UserInputError, match="val_fraction"):
        carve(torch.zeros(20, dtype=torch.int64), fraction, keyed_generator(0))


def test_limit_keeps_stratified_positions() -> None:
    targets = torch.arange(4).repeat(25)
    positions = torch.arange(0, 100, 2)
    kept = limit(positions, targets, 20, keyed_generator(0))
    assert set(kept.tolist()) <= set(positions.tolist())
    assert torch.bincount(targets[kept], minlength=4).tolist() == [10, 0, 10, 0]
    assert limit(positions, targets, 1000, keyed_generator(0)).equal(positions)
    with pytest.raises(UserInputError, match="train_limit"):
        limit(positions, targets, 0, keyed_generator(0))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 500), st.integers(1, 16))
def test_shards_partition_evenly(count: int, world_size: int) -> None:
    items = list(range(count))
    parts = [items[shard(count, rank, world_size)] for rank in range(world_size)]
    assert [item for part in parts for item in part] == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("count", "batch_size", "world_size", "batches"),
    [
        (100, 10, 1, 10),
        (101, 10, 1, 10),
        (102, 10, 1, 11),
        (103, 10, 2, 10),
        (104, 10, 2, 11),
        (5, 128, 1, 1),
        (5, 128, 2, 1),
    ],
)
def test_last_batch_needs_two_samples_per_rank(
    count: int, batch_size: int, world_size: int, batches: int
) -> None:
    assert num_train_batches(count, batch_size, world_size) == batches


@pytest.mark.parametrize(
    ("count", "batch_size", "world_size"), [(1, 8, 1), (100, 1, 1), (100, 0, 1), (3, 8, 2)]
)
def test_batches_too_small_for_batch_norm_are_refused(
    count: int, batch_size: int, world_size: int
) -> None:
    with pytest.raises(UserInputError, match="batch_size"):
        num_train_batches(count, batch_size, world_size)
