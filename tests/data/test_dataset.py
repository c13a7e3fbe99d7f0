"""Batches: each sample once, equal pixels for equal keys, shards that partition."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.data import Batch, Data, Preprocessing, load_data
from edgeprune.data.samples import MemorySamples
from edgeprune.data.split import Split
from edgeprune.errors import UserInputError


def _data(train: int = 37, side: int = 6) -> Data:
    def split(count: int, offset: int) -> Split:
        images = (torch.arange(count * 3 * side * side) + offset) % 256
        images = images.view(count, 3, side, side).to(torch.uint8)
        return Split(MemorySamples(images), torch.arange(count) % 5, torch.arange(count))

    return Data(
        name="made",
        classes=tuple("abcde"),
        preprocessing=Preprocessing((0.5,) * 3, (0.25,) * 3, (side, side), 3),
        splits={"train": split(train, 0), "val": split(10, 7), "test": split(11, 9)},
        augment="crop-flip",
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 40), st.integers(8, 20), st.integers(1, 3), st.integers(0, 5))
def test_an_epoch_covers_the_train_split_once(
    count: int, batch_size: int, world_size: int, epoch: int
) -> None:
    data = _data(count)
    ranks = [
        list(
            data.train_batches(
                epoch=epoch, batch_size=batch_size, seed=1, rank=r, world_size=world_size
            )
        )
        for r in range(world_size)
    ]
    assert {len(batches) for batches in ranks} == {data.num_batches(batch_size, world_size)}
    assert min(len(batch) for batches in ranks for batch in batches) >= 2
    seen = torch.cat([batch.index for batches in ranks for batch in batches])
    assert len(seen.unique()) == len(seen)
    dropped = count - len(seen)
    assert dropped == 0 or dropped == count % batch_size < 2 * world_size


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_share_the_global_batch_and_its_pixels(world_size: int) -> None:
    data = _data()
    whole = list(data.train_batches(epoch=2, batch_size=12, seed=3))
    ranks = [
        list(data.train_batches(epoch=2, batch_size=12, seed=3, rank=r, world_size=world_size))
        for r in range(world_size)
    ]
    for number, parts in enumerate(zip(*ranks, strict=True)):
        assert torch.cat([part.index for part in parts]).equal(whole[number].index)
        assert torch.cat([part.inputs[0] for part in parts]).equal(whole[number].inputs[0])


def _equal(one: Batch, other: Batch) -> bool:
    return one.index.equal(other.index) and one.inputs[0].equal(other.inputs[0])


def test_a_batch_is_the_same_whatever_happened_before() -> None:
    first = list(_data().train_batches(epoch=1, batch_size=8, seed=0))
    data = _data()
    torch.rand(17)
    list(data.batches("val", batch_size=3))
    next(data.train_batches(epoch=0, batch_size=8, seed=0))
    again = list(data.train_batches(epoch=1, batch_size=8, seed=0))
    assert all(map(_equal, first, again))


def test_epochs_and_seeds_differ() -> None:
    data = _data()
    batches = [
        next(data.train_batches(epoch=epoch, batch_size=16, seed=seed))
        for epoch, seed in ((0, 0), (1, 0), (0, 1))
    ]
    assert not _equal(batches[0], batches[1])
    assert not _equal(batches[0], batches[2])


def test_without_augmentation_only_the_order_changes() -> None:
    data = _data()
    plain = next(data.batches("train", batch_size=37))
    for batch in data.train_batches(epoch=0, batch_size=8, seed=0, augment=False):
        assert batch.inputs[0].equal(plain.inputs[0][batch.index])
        assert batch.targets.equal(plain.targets[batch.index])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 15), st.integers(1, 14))
def test_evaluation_covers_a_split_in_order(batch_size: int, world_size: int) -> None:
    data = _data()
    index = [
        batch.index
        for rank in range(world_size)
        for batch in data.batches("val", batch_size=batch_size, rank=rank, world_size=world_size)
    ]
    assert torch.cat(index).equal(torch.arange(10))
    assert max(map(len, index)) <= batch_size


def test_reading_the_test_split_is_counted() -> None:
    data = _data()
    list(data.batches("train", batch_size=4))
    list(data.batches("val", batch_size=4))
    list(data.train_batches(epoch=0, batch_size=8, seed=0))
    unread = data.batches("test", batch_size=4)
    assert data.test_reads == 0
    other = data.with_preprocessing(Preprocessing((0.1,) * 3, (1.0,) * 3, (6, 6), 3))
    list(unread)
    list(other.batches("test", batch_size=4))
    assert data.test_reads == other.test_reads == 2


def test_a_teachers_preprocessing_replaces_our_own() -> None:
    theirs = Preprocessing((0.1, 0.2, 0.3), (0.5, 0.5, 0.5), (6, 6), 3)
    data = _data()
    images = data.preprocessing, data.with_preprocessing(theirs).preprocessing
    assert images[1] == theirs
    mine = next(data.batches("val", batch_size=4)).inputs[0]
    other = next(data.with_preprocessing(theirs).batches("val", batch_size=4)).inputs[0]
    expected = (mine * 0.25 + 0.5 - torch.tensor(theirs.mean).view(1, 3, 1, 1)) / 0.5
    torch.testing.assert_close(other, expected)


@pytest.mark.parametrize(
    ("theirs", "named"),
    [
        (Preprocessing((0.5,), (0.5,), (6, 6), 1), "channel"),
        (Preprocessing((0.5,) * 3, (0.5,) * 3, (32, 32), 3), "image_size=32"),
    ],
)
def test_a_teacher_for_other_images_is_refused(theirs: Preprocessing, named: str) -> None:
    with pytest.raises(UserInputError, match=named):
        _data().with_preprocessing(theirs)


def test_example_inputs_are_normalised_train_images() -> None:
    data = _data()
    (images,) = data.example_inputs(3)
    plain = next(data.batches("train", batch_size=37)).inputs[0]
    assert images.equal(plain[[0, 18, 36]])
    assert data.example_inputs()[0].shape == (1, 3, 6, 6)


def test_batches_move_between_devices() -> None:
    batch = next(_data().batches("val", batch_size=4))
    moved = batch.to("meta")
    assert moved.inputs[0].device.type == moved.targets.device.type == "meta"
    assert len(moved) == len(batch) == 4


def test_digits_are_split_normalised_and_seeded() -> None:
    data = load_data("digits", seed=0)
    assert [data.size(split) for split in ("train", "val", "test")] == [1294, 144, 359]
    assert data.classes == tuple("0123456789")
    images = torch.cat([b.inputs[0] for b in data.batches("train", batch_size=512)])
    assert abs(images.mean()) < 1e-4
    assert abs(images.std() - 1) < 1e-3
    other = load_data("digits", seed=1)
    assert next(other.batches("test", batch_size=9)).targets.equal(
        next(data.batches("test", batch_size=9)).targets
    )
    assert other.preprocessing.mean != data.preprocessing.mean


def test_train_limit_shortens_training_alone() -> None:
    data, short = (load_data("digits", seed=0, train_limit=n) for n in (None, 200))
    assert (short.size("train"), short.size("val")) == (200, 144)
    val, short_val = (next(d.batches("val", batch_size=200)).targets for d in (data, short))
    assert val.equal(short_val)
    targets = torch.cat([b.targets for b in short.batches("train", batch_size=512)])
    assert (torch.bincount(targets) - 20).abs().max() <= 2


def test_image_size_resizes_digits() -> None:
    data = load_data("digits", seed=0, image_size=16, augment="none")
    assert data.example_inputs()[0].shape == (1, 1, 16, 16)
    assert data.augment == "none"
