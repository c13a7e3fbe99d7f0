"""Predictions and accuracy on a split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeprune.data.dataset import Data
from edgeprune.train.distributed import World
from edgeprune.train.precision import Precision

Split = Literal["train", "val", "test"]
Forward = Callable[[tuple[Tensor, ...]], Tensor]

EVAL_BATCH = 256


def top1_percent(
    module: nn.Module, data: Data, split: Split, world: World, precision: Precision
) -> float:
    """Top-1 accuracy in percent over all processes; the module's mode is restored."""
    was_training = module.training
    module.eval()
    counts = torch.zeros(2, dtype=torch.float64, device=world.device)
    with torch.inference_mode(), precision.autocast():
        for batch in data.batches(
            split, batch_size=EVAL_BATCH, rank=world.rank, world_size=world.size
        ):
            inputs = tuple(tensor.to(world.device) for tensor in batch.inputs)
            predicted = module(*inputs).argmax(1)
            counts[0] += (predicted == batch.targets.to(world.device)).sum()
            counts[1] += len(batch.targets)
    module.train(was_training)
    correct, total = world.sum(counts).tolist()
    return float(100.0 * correct / total)


def predict_classes(
    forwards: dict[str, Forward], data: Data, split: Split, device: torch.device
) -> dict[str, NDArray[np.int64]]:
    """Predicted class ids of several networks in one pass over `split`, and the `targets`.

    One pass, so that the test set is read once however many networks are compared.
    """
    found: dict[str, list[NDArray[np.int64]]] = {name: [] for name in (*forwards, "targets")}
    with torch.inference_mode():
        for batch in data.batches(split, batch_size=EVAL_BATCH):
            inputs = tuple(tensor.to(device) for tensor in batch.inputs)
            for name, forward in forwards.items():
                found[name].append(forward(inputs).argmax(1).cpu().numpy())
            found["targets"].append(batch.targets.numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def percent_correct(predictions: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
    """Top-1 accuracy in percent."""
    return float(100.0 * np.mean(predictions == targets))
