"""How often training reads each row of each table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from edgeprune.models.modes import evaluating
from edgeprune.models.tables import KINDS


def count_ids(model: nn.Module, batches: Iterable[tuple[Tensor, ...]]) -> dict[str, Tensor]:
    """By module path, (rows,) int64: lookups of each row over all batches, padding left out.

    The network itself says which ids reach which table: it runs once on all of them, in evaluation
    mode; its modes are put back.
    """
    tables = {path: m for path, m in model.named_modules() if isinstance(m, KINDS)}
    counts = {path: torch.zeros(m.num_embeddings, dtype=torch.int64) for path, m in tables.items()}
    handles = [m.register_forward_pre_hook(_counter(counts[path])) for path, m in tables.items()]
    try:
        with evaluating(model), torch.no_grad():
            for inputs in batches:
                model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    for path, module in tables.items():
        if module.padding_idx is not None:
            counts[path][module.padding_idx] = 0
    return counts


def _counter(counts: Tensor) -> Any:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        ids = inputs[0].detach().flatten().cpu().long()
        counts.add_(torch.bincount(ids, minlength=len(counts)))

    return hook
