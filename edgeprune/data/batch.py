"""What a model is given at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Samples ready for `model(*batch.inputs)`.

    Attributes:
        inputs: the model's arguments, each with the sample as its first axis; images are float32
            (N, C, H, W), normalised.
        targets: (N,) int64 class numbers, or float32 values when the task is regression.
        index: (N,) int64 positions of the samples in their split.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor
    index: Tensor

    def __len__(self) -> int:
        return int(self.index.numel())

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on `device`."""
        moved = tuple(x.to(device, non_blocking=True) for x in self.inputs)
        targets = self.targets.to(device, non_blocking=True)
        return Batch(moved, targets, self.index.to(device, non_blocking=True))
