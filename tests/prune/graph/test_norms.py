"""Norms, and why some are inexact."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from edgeprune.prune.graph import trace_channels


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(8),
        nn.BatchNorm2d(8, affine=False),
        nn.BatchNorm2d(8, track_running_stats=False),
        nn.InstanceNorm2d(8, affine=True),
        nn.InstanceNorm2d(8),
        nn.GroupNorm(8, 8),
    ],
    ids=["batch", "plain", "statistics", "instance", "instance_plain", "group_each"],
)
def test_norms_of_single_channels_are_exact(assert_exact, sizes, norm: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), norm, nn.ReLU(), nn.Conv2d(8, 4, 1))
    graph = assert_exact(model, torch.randn(2, 3, 6, 6))
    assert sizes(graph) == {"0": 8}
    attached = {s.tensor for s in graph.groups[0].slices if s.tensor.startswith("1.")}
    assert attached == {f"1.{k}" for k, v in norm.state_dict().items() if v.dim()}


def test_group_norm_is_inexact_and_loses_equal_offsets(sizes) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 4, 1))
    graph = trace_channels(model, (torch.randn(1, 3, 6, 6),))
    assert sizes(graph) == {"0": 4}
    assert not graph.groups[0].exact
    assert "group_norm in '1' takes statistics" in graph.groups[0].why_inexact


@pytest.mark.parametrize("norm", [nn.LayerNorm(8), nn.RMSNorm(8)], ids=["layer", "rms"])
def test_norms_over_channels_are_inexact_for_their_stream_only(assert_exact, norm) -> None:
    model = nn.Sequential(nn.Linear(4, 8), norm, nn.Linear(8, 6), nn.GELU(), nn.Linear(6, 4))
    graph = assert_exact(model, torch.randn(2, 5, 4))
    assert [(g.name, g.exact) for g in graph.groups] == [("0", False), ("2", True)]
    assert {s.tensor for s in graph.groups[0].slices} >= {f"1.{k}" for k in norm.state_dict()}


class SoftGate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).softmax(dim=1))


def test_softmax_over_channels_is_inexact() -> None:
    (group,) = trace_channels(SoftGate(), (torch.randn(1, 3, 4, 4),)).groups
    assert not group.exact
    assert "softmax" in group.why_inexact


class AcrossRows(nn.Module):
    """Channels become rows before the norm, so they share its statistics."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.norm = norm
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(6), nn.GroupNorm(6, 6)], ids=["in", "gn"])
def test_channels_among_the_rows_of_a_norm_are_inexact(norm: nn.Module) -> None:
    (group,) = trace_channels(AcrossRows(norm), (torch.randn(1, 3, 6, 6),)).groups
    assert not group.exact
