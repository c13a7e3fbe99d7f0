"""Convolutions of every kind."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import prune

from edgeprune.prune.graph import trace_channels


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_plain_convolutions(assert_exact, sizes, dims: int) -> None:
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1]
    norm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[dims - 1]
    model = nn.Sequential(conv(3, 8, 3), norm(8), nn.ReLU(), conv(8, 4, 1))
    graph = assert_exact(model, torch.randn(2, 3, *[6] * dims))
    assert sizes(graph) == {"0": 8}


def test_unbatched_input(sizes) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))
    assert sizes(trace_channels(model, (torch.randn(3, 6, 6),))) == {"0": 8}


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_goes_with_its_input(assert_exact, sizes, multiplier: int) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 6, 1),
        nn.Conv2d(6, 6 * multiplier, 3, groups=6),
        nn.BatchNorm2d(6 * multiplier),
        nn.ReLU6(),
        nn.Conv2d(6 * multiplier, 4, 1),
    )
    graph = assert_exact(model, torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"0": 6}
    (depthwise,) = (s for s in graph.groups[0].slices if s.tensor == "1.weight")
    assert len(depthwise.index) == 6 * multiplier


def test_grouped_loses_equal_offsets_in_every_group(assert_exact, sizes) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 12, 1), nn.Conv2d(12, 24, 3, groups=4), nn.ReLU(), nn.Conv2d(24, 4, 1)
    )
    graph = assert_exact(model, torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"0": 3, "1": 6}


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_transposed(assert_exact, sizes, groups: int) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 6, 1),
        nn.ConvTranspose2d(6, 12, 2, stride=2, groups=groups),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.Conv2d(12, 4, 1),
    )
    graph = assert_exact(model, torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {1: {"0": 6, "1": 12}, 2: {"0": 3, "1": 6}, 6: {"0": 6}}[groups]


class FunctionalConv(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(8, 3, 3, 3))
        self.second = nn.Parameter(torch.randn(4, 8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(x, self.first).relu(), self.second)


def test_convolution_with_a_bare_parameter(assert_exact, sizes) -> None:
    graph = assert_exact(FunctionalConv(), torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"first": 8}
    assert [(cost.name, cost.positions) for cost in graph.layers] == [("first", 16), ("second", 16)]


class ComputedWeight(nn.Module):
    """The kernel depends on the input."""

    def __init__(self) -> None:
        super().__init__()
        self.make = nn.Conv2d(3, 8, 1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.make(x).mean((0, 2, 3)).view(8, 1, 1, 1).expand(8, 3, 1, 1)
        return self.last(F.conv2d(x, kernel))


def test_a_weight_computed_from_the_input_is_left_alone(reasons) -> None:
    graph = trace_channels(ComputedWeight(), (torch.randn(1, 3, 6, 6),))
    assert not graph.groups
    assert "computes its own weight" in reasons(graph)["make"]


def test_weight_norm_is_followed_or_left_alone(reasons) -> None:
    wrapped = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 1))
    graph = trace_channels(nn.Sequential(wrapped, nn.Conv2d(8, 2, 1)), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert any("no rule" in reason for reason in reasons(graph).values())


def test_single_output_channel_is_named(reasons) -> None:
    model = nn.Sequential(nn.Conv2d(3, 1, 1), nn.BatchNorm2d(1), nn.Conv2d(1, 4, 1))
    graph = trace_channels(model, (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "single output channel" in reasons(graph)["0"]


class MadeOfTwo(nn.Module):
    """The kernel is a product of a parameter, a mask and a gain per output channel."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(8, 6, 3, 3))
        self.gain = nn.Parameter(torch.randn(8, 1, 1, 1))
        self.register_buffer("mask", (torch.rand(8, 6, 3, 3) < 0.7).float())
        self.first = nn.Conv2d(3, 6, 1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.conv2d(self.first(x), self.mask * self.kernel * self.gain))


def test_a_kernel_made_of_several_tensors(assert_exact, sizes) -> None:
    graph = assert_exact(MadeOfTwo(), torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"kernel": 8, "first": 6}
    roles = {(s.tensor, s.axis): (s.reads, s.writes) for g in graph.groups for s in g.slices}
    assert roles["kernel", 0] == roles["gain", 0] == (False, True)
    assert roles["kernel", 1] == roles["mask", 1] == (True, False)
    assert [cost.positions for cost in graph.layers] == [36, 16, 16]


def test_masks_of_torch_prune_go_with_their_weight(sizes) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    prune.l1_unstructured(model[0], "weight", amount=0.3)
    graph = trace_channels(model, (torch.randn(1, 3, 4, 4),))
    assert sizes(graph) == {"0.weight_orig": 8}
    assert [cost.name for cost in graph.layers] == ["0.weight_orig", "2"]
