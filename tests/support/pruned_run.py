"""A small pruned network in a run's folder, without the minutes of training one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.registry import build_model
from edgeprune.prune.api import prune_model

PREPROCESSING = Preprocessing((0.3,), (0.4,), (8, 8), 1)


def pruned_run(folder: Path, *, zeros: float = 0.0) -> Path:
    """`student.pt` of a narrowed WideResNet for the digits.

    Args:
        zeros: share of each 3x3 convolution's weights that is masked.
    """
    torch.manual_seed(0)
    module = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
    if zeros:
        for layer in module.modules():
            if (
                isinstance(layer, nn.Conv2d)
                and layer.kernel_size == (3, 3)
                and layer.in_channels > 1
            ):
                layer.weight.data[torch.rand_like(layer.weight) < zeros] = 0.0
    else:
        prune_model(module, torch.zeros(1, 1, 8, 8), target_params=0.5)
    folder.mkdir(parents=True)
    held = checkpoint_of(
        module,
        arch="wrn_10_1",
        arch_args={"num_classes": 10, "in_channels": 1},
        preprocessing=PREPROCESSING,
        classes=tuple(f"digit {number}" for number in range(10)),
    )
    save_checkpoint(folder / "student.pt", held)
    return folder
