"""Answers and metrics on a split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeprune.data.dataset import Data
from edgeprune.train.distributed import World
from edgeprune.train.precision import Precision
from edgeprune.train.score import score_of

Split = Literal["train", "val", "test"]
Forward = Callable[[tuple[Tensor, ...]], Tensor]

EVAL_BATCH = 256


def metric_on(
    module: nn.Module, data: Data, split: Split, world: World, precision: Precision
) -> float:
    """Top-1 accuracy in percent, the mean squared error or HR@k, over all processes.

    The module's mode is restored.
    """
    score = score_of(data)
    was_training = module.training
    module.eval()
    sums = torch.zeros(2, dtype=torch.float64, device=world.device)
    with torch.inference_mode(), precision.autocast():
        for batch in data.batches(
            split, batch_size=EVAL_BATCH, rank=world.rank, world_size=world.size
        ):
            moved = batch.to(world.device)
            answers = score.answers(module(*moved.inputs), moved)
            sums[0] += score.per_sample(answers, moved.targets).sum()
            sums[1] += len(batch.targets)
    module.train(was_training)
    scored, total = world.sum(sums).tolist()
    return float(score.factor * scored / total)


def predict(
    forwards: Mapping[str, Forward], data: Data, split: Split, device: torch.device
) -> dict[str, NDArray[Any]]:
    """What several networks answer in one pass over `split`, and `targets`.

    Answers are class ids, values or ranks.

    One pass, so that the test set is read once however many networks are compared.
    """
    score = score_of(data)
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in (*forwards, "targets")}
    with torch.inference_mode():
        for batch in data.batches(split, batch_size=EVAL_BATCH):
            moved = batch.to(device)
            for name, forward in forwards.items():
                found[name].append(score.answers(forward(moved.inputs), moved).cpu().numpy())
            found["targets"].append(batch.targets.numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}
