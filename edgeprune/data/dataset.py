"""Data: three splits of one data set, served as batches that a network can take."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import torch
from torch import Tensor

from edgeprune.data.augment import Augmentation, NoAugmentation, augmentation
from edgeprune.data.batch import Batch
from edgeprune.data.prefetch import prefetched
from edgeprune.data.preprocessing import Preprocessing
from edgeprune.data.randomness import keyed_generator, keyed_seed
from edgeprune.data.split import Split, num_train_batches, shard
from edgeprune.errors import UserInputError

SplitName = Literal["train", "val", "test"]
Task = Literal["classification", "regression", "ranking"]
_IMAGE_DIMS: Final = 4


class Data:
    """A data set with its splits, classes and preprocessing.

    Attributes:
        name: for people and reports.
        task: decides the loss and the metric.
        classes: names in the order of the targets; empty when the task is no classification.
        preprocessing: what images go through before a network sees them.
        augment: the policy that training uses.
        normalised: whether images are float already and `preprocessing` only says how they were
            made.
        attachments: text files by name that belong beside a network trained on the data, such as
            the vocabulary and scales that its inputs are made with.
        inputs_digest: of which user or item every id is, and what every column is; None for
            images.
        top_k: items of the lists that a ranking is judged by.
        notes: what a person should know of the data before training on it.
    """

    def __init__(
        self,
        *,
        name: str,
        classes: tuple[str, ...],
        preprocessing: Preprocessing,
        splits: Mapping[SplitName, Split],
        augment: str,
        task: Task = "classification",
        normalised: bool = False,
        attachments: Mapping[str, str] | None = None,
        input_args: Mapping[str, Any] | None = None,
        inputs_digest: str | None = None,
        top_k: int = 0,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.task = task
        self.classes = classes
        self.preprocessing = preprocessing
        self.augment = augment
        self.normalised = normalised
        self.attachments = dict(attachments or {})
        self.inputs_digest = inputs_digest
        self.top_k = top_k
        self.notes = notes
        self._input_args = dict(input_args or {})
        self._splits = splits
        self._augmentation = augmentation(augment, preprocessing.image_size)

    @property
    def num_outputs(self) -> int:
        """Values that a network gives per sample: one per class, or the one that is predicted."""
        return len(self.classes) if self.task == "classification" else 1

    @property
    def arch_args(self) -> dict[str, Any]:
        """What an architecture has to know of the data, as `build_model` takes it."""
        channels = self.preprocessing.channels
        return {"num_classes": self.num_outputs, "in_channels": channels, **self._input_args}

    @property
    def has_ids(self) -> bool:
        """Whether inputs are ids of users and items."""
        return "rows" in self._input_args

    @property
    def test_reads(self) -> int:
        """How often reading the test split has begun in this process; an honest run ends at 1."""
        return self._splits["test"].reads

    def size(self, split: SplitName) -> int:
        """Number of samples."""
        return len(self._splits[split])

    def num_batches(self, batch_size: int, world_size: int = 1) -> int:
        """Number of batches that `train_batches` gives on every rank."""
        return num_train_batches(self.size("train"), batch_size, world_size)

    def train_batches(
        self,
        *,
        epoch: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        augment: bool = True,
    ) -> Iterator[Batch]:
        """Walk once through the shuffled train split.

        `batch_size` counts the samples of all ranks together: the same recipe takes the same
        steps however many processes share it, and rank r gets its slice of each global batch.
        Order and pixels depend on (seed, epoch, batch number) alone. A last batch of which a
        rank would get fewer than 2 samples is dropped (batch norm needs two).

        Raises:
            UserInputError: when a rank cannot get 2 samples of a batch.
        """
        batches = self.num_batches(batch_size, world_size)
        policy = self._augmentation if augment else NoAugmentation()
        split = self._splits["train"]
        order = torch.randperm(len(split), generator=keyed_generator(seed, "shuffle", epoch))

        def make() -> Iterator[Batch]:
            for number in range(batches):
                chosen = order[number * batch_size : (number + 1) * batch_size]
                draws = policy.draw(len(chosen), keyed_generator(seed, "augment", epoch, number))
                part = shard(len(chosen), rank, world_size)
                draw = keyed_seed(seed, "samples", epoch, number, rank)
                yield self._batch(split, chosen[part], draw, policy, draws[part])

        return prefetched(make()) if split.samples.prefetch else make()

    def batches(
        self, split: SplitName, *, batch_size: int, rank: int = 0, world_size: int = 1
    ) -> Iterator[Batch]:
        """Walk through a split in order, nothing augmented, nothing dropped.

        Each rank walks through its own contiguous part; together they cover the split once.
        """
        source = self._splits[split]
        index = torch.arange(len(source))[shard(len(source), rank, world_size)]

        def make() -> Iterator[Batch]:
            source.reads += 1
            for chosen in torch.split(index, batch_size):
                if len(chosen):
                    yield self._plain_batch(source, chosen)

        return prefetched(make()) if source.samples.prefetch else make()

    def spread_batches(self, split: SplitName, samples: int, *, batch_size: int) -> Iterator[Batch]:
        """Walk through at most `samples` of a split, taken evenly: it may be sorted by class."""
        source = self._splits[split]
        index = torch.linspace(0, len(source) - 1, min(samples, len(source))).long()
        source.reads += 1
        for chosen in torch.split(index, batch_size):
            yield self._plain_batch(source, chosen)

    def example_inputs(self, batch_size: int = 1) -> tuple[Tensor, ...]:
        """Return normalised real inputs, taken evenly from the train split."""
        split = self._splits["train"]
        index = torch.linspace(0, len(split) - 1, batch_size).long()
        return self._plain_batch(split, index).inputs

    def with_preprocessing(self, preprocessing: Preprocessing) -> Data:
        """Return the same splits (and the same count of test reads) as a teacher wants them.

        Raises:
            UserInputError: when the teacher takes images of another size or channel count, or
                the images are already normalised in another way.
        """
        mine = self.preprocessing
        if preprocessing.channels != mine.channels:
            samples, parts = mine.words
            raise UserInputError(
                f"{self.name}: {samples} have {mine.channels} {parts}, the teacher takes "
                f"{preprocessing.channels}; use a teacher trained on such {samples}"
            )
        if preprocessing.image_size != mine.image_size:
            wanted = preprocessing.image_size[0]
            raise UserInputError(
                f"{self.name}: images are {_size(mine)}, the teacher takes {_size(preprocessing)};"
                f" resize them with --set image_size={wanted}"
            )
        if self.normalised and (mine.mean, mine.std) != (preprocessing.mean, preprocessing.std):
            raise UserInputError(
                f"{self.name}: float images normalised with mean {mine.mean} and std {mine.std}, "
                f"the teacher takes {preprocessing.mean} and {preprocessing.std}; give uint8 images"
            )
        other = copy.copy(self)
        other.preprocessing = preprocessing
        return other

    def target_mean(self) -> float:
        """Mean of the training targets, or its logit: what a network starts from that gives one
        value.
        """
        split = self._splits["train"]
        return float(split.targets[split.positions].double().mean())

    def _plain_batch(self, split: Split, index: Tensor) -> Batch:
        return self._batch(split, index, 0, NoAugmentation(), torch.empty(len(index), 0))

    def _batch(
        self, split: Split, index: Tensor, draw: int, policy: Augmentation, draws: Tensor
    ) -> Batch:
        positions = split.positions[index]
        images, *others = split.samples.gather(positions, draw=draw)
        if images.dim() == _IMAGE_DIMS:  # ids of users and items go as they are
            images = policy.apply(images, draws, self.preprocessing.image_size)
        if not self.normalised:
            images = self.preprocessing.normalise(images)
        return Batch((images, *others), split.targets[positions], index)


def _size(preprocessing: Preprocessing) -> str:
    return "x".join(map(str, preprocessing.image_size))
