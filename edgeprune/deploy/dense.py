"""The network that a student was before pruning; no time depends on its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from edgeprune.errors import EdgepruneError
from edgeprune.models.registry import build_model, is_known


def dense_module(arch: str, arch_args: Mapping[str, Any]) -> nn.Module | None:
    """With fresh weights, in evaluation mode; None for a network of the user's own."""
    if not is_known(arch):
        return None
    try:
        return build_model(arch, **arch_args).eval()
    except EdgepruneError:
        return None
