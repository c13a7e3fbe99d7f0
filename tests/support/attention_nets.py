"""Small attentions, with their scale in every place that code puts it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from edgeprune.prune.graph import ChannelGraph
from edgeprune.prune.removal import Removal

Scores = Callable[[Tensor, Tensor, nn.Module], Tensor]
SCALES: dict[str, tuple[Scores, bool]] = {
    "from the width": (lambda q, k, _: q @ k.mT * q.shape[-1] ** -0.5, True),
    "on the queries": (lambda q, k, _: (q / math.sqrt(q.shape[-1])) @ k.mT, True),
    "from an attribute": (lambda q, k, m: q @ k.mT * m.scale, False),
    "on a constant": (lambda q, k, _: (q.shape[-1] ** -0.5 * q.new_ones(1) * q) @ k.mT, True),
    "none": (lambda q, k, _: q @ k.mT, False),
}


class OwnWidth(nn.Module):
    """Attention whose inner width has nothing to do with the stream's; fused projection."""

    def __init__(self, scores: str | None, heads: int = 2, head_dim: int = 6) -> None:
        super().__init__()
        self.scores = scores
        self.heads = heads
        self.head_dim = head_dim
        if scores == "from an attribute":
            self.scale = head_dim**-0.5
        inner = heads * head_dim
        self.embed, self.qkv = nn.Linear(4, 8), nn.Linear(8, 3 * inner)
        self.out, self.last = nn.Linear(inner, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        qkv = self.qkv(h).reshape(*x.shape[:2], 3, self.heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        if self.scores is None:
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = SCALES[self.scores][0](q, k, self).softmax(-1) @ v
        return self.last(h + self.out(mixed.transpose(1, 2).flatten(2)))


def half_of(graph: ChannelGraph) -> Removal:
    """Every second channel of every group."""
    return Removal(tuple(np.arange(group.size // 2) * 2 for group in graph.groups))
