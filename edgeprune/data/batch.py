"""What a model is given at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Candidates:
    """How the rows of a ranking belong together: all items for one user, then for the next.

    Attributes:
        held: (users,) int64 place, among a user's items, of the one that was held out.
        barred: (users, items) bool: which ones the user has already.
    """

    held: Tensor
    barred: Tensor


@dataclass(frozen=True)
class Batch:
    """Samples ready for `model(*batch.inputs)`.

    Attributes:
        inputs: the model's arguments, each with the sample as its first axis; images are float32
            (N, C, H, W), normalised.
        targets: (N,) int64 class numbers, or float32 values when the task is regression;
            of a ranking 1 and 0 in training, and the held-out items' rows in validation and test.
        index: (N,) int64 positions of the samples in their split.
        candidates: of a ranking, whose N samples are users: `inputs` hold a row per user and item.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor
    index: Tensor
    candidates: Candidates | None = None

    def __len__(self) -> int:
        return int(self.index.numel())

    def taken(self, samples: Tensor) -> Batch:
        """The samples at these places (N,), each with all of its rows."""
        index, targets, ranked, rows = self.index[samples], self.targets[samples], None, samples
        if self.candidates is not None:
            ranked = Candidates(self.candidates.held[samples], self.candidates.barred[samples])
            items = ranked.barred.shape[1]
            rows = (samples.unsqueeze(1) * items + torch.arange(items)).flatten()
        return Batch(tuple(tensor[rows] for tensor in self.inputs), targets, index, ranked)

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`."""
        moved = tuple(x.to(device, non_blocking=True) for x in self.inputs)
        targets = self.targets.to(device, non_blocking=True)
        index = self.index.to(device, non_blocking=True)
        ranked = self.candidates
        if ranked is not None:
            ranked = Candidates(ranked.held.to(device), ranked.barred.to(device))
        return Batch(moved, targets, index, ranked)
