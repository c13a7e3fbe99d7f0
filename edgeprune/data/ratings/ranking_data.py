"""Implicit feedback: networks learn who would take what, and rank all items for every user.

Every interaction is a positive. An epoch takes each of them once, and beside it some items that
the user has not in training, drawn anew for every epoch. Validation and test rank the one item that
was held out among all that the user has not (the full ranking: metrics on a sample of items do not
order recommenders as the full ones do; Krichene & Rendle, "On Sampled Metrics for Item
Recommendation", KDD 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from edgeprune.data.batch import Batch, Candidates
from edgeprune.data.dataset import Data, SplitName
from edgeprune.data.preprocessing import Preprocessing
from edgeprune.data.randomness import keyed_generator
from edgeprune.data.ratings.encoder import RatingsEncoder
from edgeprune.data.ratings.interactions import Interactions
from edgeprune.data.ratings.negatives import NegativeSampler
from edgeprune.data.ratings.split import Parts
from edgeprune.data.samples import MemorySamples
from edgeprune.data.split import Split, num_train_batches, shard

NEGATIVES: Final = 4  # per positive, as He et al. 2017 choose
_ROWS_AT_ONCE: Final = 1 << 15


@dataclass(frozen=True)
class _HeldOut:
    """Users with their held-out items, and what each has already."""

    user: Tensor
    item: Tensor
    known: Mapping[int, Tensor]


class RankingData(Data):
    """Interactions with their encoder; see the module.

    Args:
        top_k: items of a list that a user is shown.
        attachments: see `Data`.
    """

    def __init__(
        self,
        name: str,
        interactions: Interactions,
        parts: Parts,
        encoder: RatingsEncoder,
        *,
        top_k: int,
        attachments: Mapping[str, str],
        notes: tuple[str, ...] = (),
    ) -> None:
        user, item = torch.from_numpy(interactions.user), torch.from_numpy(interactions.item)
        width = len(encoder.rows)
        places = {
            "train": torch.from_numpy(parts.train),
            "val": torch.from_numpy(parts.val),
            "test": torch.from_numpy(parts.test),
        }
        super().__init__(
            name=name,
            classes=(),
            preprocessing=Preprocessing((0.0,) * width, (1.0,) * width, (1, 1), width),
            splits={
                split: Split(MemorySamples(user, item), torch.ones(len(user)), positions)  # type: ignore[misc]
                for split, positions in places.items()
            },
            augment="none",
            task="ranking",
            normalised=True,
            attachments=attachments,
            input_args=encoder.arch_args,
            inputs_digest=encoder.inputs_digest,
            top_k=top_k,
            notes=notes,
        )
        self._encoder = encoder
        self._items = len(encoder.items.tokens)
        train = places["train"]
        self._train_user, self._train_item = user[train], item[train]
        self._sampler = NegativeSampler(self._train_user, self._train_item, self._items)
        known = _items_of_users(self._train_user, self._train_item)
        with_val = _items_of_users(
            torch.cat([self._train_user, user[places["val"]]]),
            torch.cat([self._train_item, item[places["val"]]]),
        )
        self._held = {
            "val": _HeldOut(user[places["val"]], item[places["val"]], known),
            "test": _HeldOut(user[places["test"]], item[places["test"]], with_val),
        }

    def size(self, split: SplitName) -> int:
        """Interactions to train on with their negatives; users to validate and test on."""
        return len(self._splits[split]) * (1 + NEGATIVES if split == "train" else 1)

    def num_batches(self, batch_size: int, world_size: int = 1) -> int:
        """Number of batches that `train_batches` gives on every rank."""
        return num_train_batches(self.size("train"), batch_size, world_size)

    def target_mean(self) -> float:
        """The logit of the share of positives: what a network starts from."""
        return -float(np.log(NEGATIVES))

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
        """Walk once through all positives and as many negatives as belong to them, shuffled.

        Targets are 1 and 0. Order and negatives depend on (seed, epoch) alone.
        """
        batches = self.num_batches(batch_size, world_size)
        generator = keyed_generator(seed, "negatives", epoch)
        users, items, targets = self._labelled(self._train_user, self._train_item, generator)
        order = torch.randperm(len(users), generator=keyed_generator(seed, "shuffle", epoch))
        for number in range(batches):
            chosen = order[number * batch_size : (number + 1) * batch_size]
            chosen = chosen[shard(len(chosen), rank, world_size)]
            yield Batch(self._inputs(users[chosen], items[chosen]), targets[chosen], chosen)

    def batches(
        self, split: SplitName, *, batch_size: int, rank: int = 0, world_size: int = 1
    ) -> Iterator[Batch]:
        """Walk through the positives of `train`, or through users with all items for each.

        A batch of users has at most `batch_size` of them, and fewer where there are many items.
        """
        part = shard(len(self._splits[split]), rank, world_size)
        if split == "train":
            return self._positives(part, batch_size)
        users = max(1, min(batch_size, _ROWS_AT_ONCE // self._items))
        return self._rankings(split, part, users)

    def spread_batches(self, split: SplitName, samples: int, *, batch_size: int) -> Iterator[Batch]:
        """Held-out positives of users taken evenly, with their negatives: the same every time.

        As in training: targets are 1 and 0, and no lists are ranked.
        """
        held = self._held[split]
        count = max(1, min(samples // (1 + NEGATIVES), len(held.user)))
        place = torch.linspace(0, len(held.user) - 1, count).long()
        self._splits[split].reads += 1
        generator = keyed_generator(0, "negatives", split)
        users, items, targets = self._labelled(held.user[place], held.item[place], generator)
        for chosen in torch.split(torch.arange(len(users)), batch_size):
            yield Batch(self._inputs(users[chosen], items[chosen]), targets[chosen], chosen)

    def example_inputs(self, batch_size: int = 1) -> tuple[Tensor, ...]:
        """Return real inputs, taken evenly from the positives."""
        chosen = torch.linspace(0, len(self._train_user) - 1, batch_size).long()
        return self._inputs(self._train_user[chosen], self._train_item[chosen])

    def _labelled(
        self, user: Tensor, item: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Users, items and targets: the positives, then negatives of each."""
        again = user.repeat_interleave(NEGATIVES)
        users = torch.cat([user, again])
        items = torch.cat([item, self._sampler.draw(again, generator)])
        return users, items, (torch.arange(len(users)) < len(user)).float()

    def _positives(self, part: slice, batch_size: int) -> Iterator[Batch]:
        self._splits["train"].reads += 1
        for chosen in torch.split(torch.arange(len(self._train_user))[part], batch_size):
            inputs = self._inputs(self._train_user[chosen], self._train_item[chosen])
            yield Batch(inputs, torch.ones(len(chosen)), chosen)

    def _rankings(self, split: SplitName, part: slice, users: int) -> Iterator[Batch]:
        self._splits[split].reads += 1
        held = self._held[split]
        everything = torch.arange(1, self._items + 1)
        for chosen in torch.split(torch.arange(len(held.user))[part], users):
            user = held.user[chosen]
            barred = torch.zeros(len(user), self._items, dtype=torch.bool)
            for row, number in enumerate(user.tolist()):
                barred[row, held.known[number] - 1] = True
            inputs = self._inputs(user.repeat_interleave(self._items), everything.repeat(len(user)))
            candidates = Candidates(held.item[chosen] - 1, barred)
            yield Batch(inputs, held.item[chosen], chosen, candidates)

    def _inputs(self, user: Tensor, item: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(torch.from_numpy, self._encoder.inputs(user.numpy(), item.numpy())))


def _items_of_users(user: Tensor, item: Tensor) -> dict[int, Tensor]:
    order = user.argsort(stable=True)
    users, counts = torch.unique_consecutive(user[order], return_counts=True)
    parts = torch.split(item[order], counts.tolist())
    return dict(zip(users.tolist(), parts, strict=True))
