"""Elementwise operations: gates, gains, masks, constants."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from edgeprune.prune.discovery import find_channels
from edgeprune.prune.graph import trace_channels


class Gated(nn.Module):
    """Squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(8, 6, 1)
        self.excite = nn.Conv2d(6, 8, 1)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(self.pool(x)))))
        return self.head(x * gate)


def test_squeeze_and_excitation(assert_exact, sizes) -> None:
    graph = assert_exact(Gated(), torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"conv": 8, "squeeze": 6}


class SpatialGate(nn.Module):
    """One map multiplies all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.map = nn.Conv2d(8, 1, 1)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.head(x * torch.sigmoid(self.map(x)))


def test_spatial_gate_leaves_channels_free(assert_exact, sizes, reasons) -> None:
    graph = assert_exact(SpatialGate(), torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"conv": 8}
    assert "single output channel" in reasons(graph)["map"]


class Scaled(nn.Module):
    def __init__(self, scale: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.gain = nn.Parameter(torch.randn(8, 1, 1))
        self.flat = nn.Parameter(torch.randn(8))
        self.one = nn.Parameter(torch.randn(1))
        self.register_buffer("kept", torch.randn(1, 8, 1, 1))
        self.register_buffer("lost", torch.randn(1, 8, 1, 1), persistent=False)
        self.plain = torch.randn(1, 8, 1, 1)
        self.scale = scale
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.scale(self, self.conv(x)))


@pytest.mark.parametrize(
    ("scale", "tensor"),
    [
        (lambda m, x: x * m.gain, "gain"),
        (lambda m, x: x + m.flat.view(1, -1, 1, 1), "flat"),
        (lambda m, x: x * m.flat[None, :, None, None], "flat"),
        (lambda m, x: x - m.kept, "kept"),
        (lambda m, x: torch.where(m.lost > 0, x, m.lost), "lost"),
        (lambda m, x: x.mul_(m.one).add_(m.kept), "kept"),
        (lambda m, x: torch.addcmul(x, m.gain, m.kept), "kept"),
    ],
    ids=["gain", "view", "index_none", "buffer", "non_persistent", "in_place", "addcmul"],
)
def test_what_meets_channels_goes_with_them(assert_exact, sizes, scale, tensor: str) -> None:
    graph = assert_exact(Scaled(scale), torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"conv": 8}
    assert tensor in {s.tensor for s in graph.groups[0].slices}


@pytest.mark.parametrize(
    "scale",
    [
        lambda _, x: x * 2 + 1,
        lambda m, x: x * m.one,
        lambda _, x: x + torch.zeros_like(x) + x.new_ones(x.shape),
        lambda _, x: x * torch.ones(4),
        lambda _, x: x.masked_fill(torch.ones(4, 4, dtype=torch.bool), 0.5) + x,
        lambda m, x: nn.functional.dropout(x, 0.5, m.training),
    ],
    ids=["scalar", "single", "like", "row", "mask", "dropout"],
)
def test_what_has_no_channels_unites_nothing(assert_exact, sizes, scale) -> None:
    graph = assert_exact(Scaled(scale), torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"conv": 8}
    assert {s.tensor for s in graph.groups[0].slices} == {
        *("conv.weight", "conv.bias", "head.weight")
    }


def test_a_constant_of_the_same_width_keeps_it(reasons) -> None:
    graph = trace_channels(Scaled(lambda m, x: x * m.plain), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "neither a parameter nor a buffer" in reasons(graph)["conv"]


@pytest.mark.parametrize("slopes", [1, 8])
def test_prelu(assert_exact, sizes, slopes: int) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.PReLU(slopes), nn.Conv2d(8, 4, 1))
    graph = assert_exact(model, torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"0": 8}
    assert ("1.weight" in {s.tensor for s in graph.groups[0].slices}) == (slopes == 8)


@pytest.mark.parametrize(
    "activation",
    [nn.SiLU(), nn.GELU(), nn.Hardswish(), nn.Hardsigmoid(), nn.ELU(), nn.LogSigmoid(), nn.Mish()],
    ids=lambda module: type(module).__name__,
)
def test_activations(assert_exact, sizes, activation: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), activation, nn.Conv2d(8, 4, 1))
    assert sizes(assert_exact(model, torch.randn(1, 3, 4, 4))) == {"0": 8}


class Assigned(nn.Module):
    """Writes into a part of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).clone()
        x[:, :4] = 0
        return self.head(x)


def test_writing_to_numbered_channels_keeps_them(reasons) -> None:
    graph = find_channels(Assigned(), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "goes on taking" in reasons(graph)["conv"]
