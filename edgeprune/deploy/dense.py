"""The network that a student was before pruning; no time depends on its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from edgeprune.errors import EdgepruneError
from edgeprune.models.registry import build_model, is_known


def dense_module(arch: str, arch_args: Mapping[str, Any]) -> nn.Module | None:
    """With fresh weights, in evaluation mode; None for a network of the user's own.

    The weights are the same every time, so that nobody has to send or build it again.
    """
    if not is_known(arch):
        return None
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build_model(arch, **arch_args).eval()
    except EdgepruneError:
        return None
