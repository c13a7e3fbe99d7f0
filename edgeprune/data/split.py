"""Seeded, stratified splits, and the order in which training walks through one."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from edgeprune.data.samples import Samples
from edgeprune.errors import UserInputError


@dataclass
class Split:
    """Some of a source's samples.

    Attributes:
        samples: the source.
        targets: (len(samples),) of the whole source.
        positions: (N,) int64, which samples belong to this split.
        reads: how often evaluation has begun to read the split.
    """

    samples: Samples
    targets: Tensor
    positions: Tensor
    reads: int = field(default=0, init=False)

    def __len__(self) -> int:
        return int(self.positions.numel())


def stratified_order(targets: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffle so that every prefix holds the classes in the proportions of the whole.

    The k-th of a class's n samples, in random order, stands at (k + ½) / n of the way.
    Float targets (regression) have no classes: the order is a plain shuffle.

    Args:
        targets: (N,) class numbers.
        generator: source of the shuffle.

    Returns:
        (N,) int64 permutation.
    """
    shuffled = torch.randperm(len(targets), generator=generator)
    if targets.is_floating_point():
        return shuffled
    place = torch.empty(len(targets), dtype=torch.float64)
    for label in torch.unique(targets):
        members = shuffled[targets[shuffled] == label]
        place[members] = (torch.arange(len(members)).double() + 0.5) / len(members)
    return shuffled[place[shuffled].argsort(stable=True)]


def carve(targets: Tensor, fraction: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Partition into (rest, carved) positions, ascending, both stratified.

    Raises:
        UserInputError: when either part would be empty.
    """
    count = round(len(targets) * fraction)
    if not 0 < count < len(targets):
        raise UserInputError(
            f"val_fraction={fraction}: leaves an empty part of {len(targets)} training images; "
            "give a value between 0 and 1 or a val split"
        )
    order = stratified_order(targets, generator)
    return order[count:].sort().values, order[:count].sort().values


def limit(positions: Tensor, targets: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Keep `count` of `positions`, stratified by `targets` of the whole source."""
    if count < 1:
        raise UserInputError(f"train_limit={count}: must be at least 1")
    order = stratified_order(targets[positions], generator)
    return positions[order[:count]].sort().values


def num_train_batches(count: int, batch_size: int, world_size: int) -> int:
    """Count the global batches of an epoch; the last is dropped if a rank had fewer than 2 of it.

    Raises:
        UserInputError: when not even one batch can be made.
    """
    least = 2 * world_size
    if batch_size < least or count < least:
        raise UserInputError(
            f"batch_size={batch_size} with {count} training samples on {world_size} process(es): "
            "every process needs at least 2 samples of each batch"
        )
    full, rest = divmod(count, batch_size)
    return full + (rest >= least)


def shard(count: int, rank: int, world_size: int) -> slice:
    """Return the part of `count` items that `rank` takes; the ranks' parts partition them."""
    return slice(count * rank // world_size, count * (rank + 1) // world_size)
