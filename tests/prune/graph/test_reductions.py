"""Folding axes, pooling, resizing."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeprune.prune.graph import trace_channels


def _sampled(x: Tensor) -> Tensor:
    grid = torch.zeros(1, 2, 2, 2).to(x).expand(len(x), -1, -1, -1)
    return F.grid_sample(x, grid, align_corners=False)


class Folded(nn.Module):
    def __init__(self, fold) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.fold = fold
        self.head = nn.LazyLinear(4)
        self.head(self.fold(self.conv(torch.zeros(1, 3, 8, 8))).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.fold(self.conv(x)).flatten(1))


@pytest.mark.parametrize(
    "fold",
    [
        lambda x: x.mean((2, 3)),
        lambda x: x.amax((-1, -2), keepdim=True),
        lambda x: x.flatten(2).max(2).values,
        lambda x: x.flatten(2).std(2),
        lambda x: torch.linalg.vector_norm(x, dim=(2, 3)),
        lambda x: x.cumsum(3),
        lambda x: F.adaptive_avg_pool2d(x, 2),
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
        lambda x: F.avg_pool2d(x, 3),
        lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear"),
        lambda x: F.interpolate(x, size=(3, 3), mode="nearest"),
        lambda x: _sampled(x),
    ],
    ids=[
        *("mean", "amax", "max", "std", "norm", "cumsum", "adaptive", "max_pool", "indices"),
        *("avg_pool", "bilinear", "nearest", "grid"),
    ],
)
def test_folding_rows_and_columns_keeps_channels_free(assert_exact, sizes, fold) -> None:
    assert sizes(assert_exact(Folded(fold), torch.randn(1, 3, 8, 8))) == {"conv": 8}


@pytest.mark.parametrize(
    "fold",
    [
        lambda x: x.mean(1),
        lambda x: x.amax(1, keepdim=True),
        lambda x: x.max(1).values,
        lambda x: x.cumsum(1),
        lambda x: x.topk(4, dim=1).values,
        lambda x: F.avg_pool2d(x.transpose(1, 2), 2),
        lambda x: F.local_response_norm(x, 3),
        lambda x: x * torch.linalg.vector_norm(x, ord=-1, dim=1, keepdim=True),
    ],
    ids=["mean", "amax", "max", "cumsum", "topk", "pool", "response", "negative order"],
)
def test_folding_channels_keeps_them(reasons, fold) -> None:
    graph = trace_channels(Folded(fold), (torch.randn(1, 3, 8, 8),))
    assert not graph.groups
    assert "conv" in reasons(graph)


@pytest.mark.parametrize(
    "fold",
    [
        lambda x: x / x.norm(dim=1, keepdim=True),
        lambda x: F.normalize(x),
        lambda x: x * x.sum(1, keepdim=True),
    ],
    ids=["norm", "normalise", "sum"],
)
def test_sums_over_channels_let_them_go(assert_exact, sizes, fold) -> None:
    """A channel that is zero where it arises adds nothing."""
    assert sizes(assert_exact(Folded(fold), torch.randn(1, 3, 8, 8))) == {"conv": 8}
