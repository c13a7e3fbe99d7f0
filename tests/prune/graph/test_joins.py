"""Residual sums, concatenation, padding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeprune.prune.graph import trace_channels


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(8, 6, 1), nn.ReLU(), nn.Conv2d(6, 8, 1))
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(torch.relu(x + self.body(x)))


def test_residual_ties_the_stream(assert_exact, sizes) -> None:
    graph = assert_exact(Residual(), torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"stem": 8, "body.0": 6}
    writers = {s.tensor for s in graph.groups[0].slices if s.writes}
    assert writers == {"stem.weight", "body.2.weight"}


class Dense(nn.Module):
    """Concatenation with an own earlier output and with the network's input."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(9)
        self.second = nn.Conv2d(9, 4, 1)
        self.up = nn.ConvTranspose2d(13, 8, 2, stride=2)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        stacked = torch.cat([x, self.first(x)], 1)
        stacked = torch.cat([stacked, self.second(self.norm(stacked))], 1)
        return self.head(self.up(stacked))


def test_concatenation_keeps_each_part_apart(assert_exact, sizes) -> None:
    graph = assert_exact(Dense(), torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"first": 6, "second": 4, "up": 8}
    read = {s.tensor: s.index for s in graph.groups[0].slices}
    assert read["norm.running_var"].tolist() == [3, 4, 5, 6, 7, 8]


class Stacked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(3, 8, 1)
        self.right = nn.Conv2d(3, 8, 1)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.stack([self.left(x), self.right(x)], dim=1)
        return self.head(both.sum(dim=1))


def test_stack_unites(assert_exact, sizes) -> None:
    assert sizes(assert_exact(Stacked(), torch.randn(1, 3, 4, 4))) == {"left": 8}


class ZeroPadShortcut(nn.Module):
    """He et al.'s option A: the shortcut is subsampled and padded with zero channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.body = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.head = nn.Conv2d(16, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4))
        return self.head(torch.relu(shortcut + self.body(x)))


def test_zero_padded_channels_stay_and_the_others_may_go(assert_exact, sizes, reasons) -> None:
    graph = assert_exact(ZeroPadShortcut(), torch.randn(1, 3, 8, 8))
    assert sizes(graph) == {"stem": 8}
    assert "widens its channels by a fixed number" in reasons(graph)["body"]
    assert "8 of 16" in reasons(graph)["body"]


def test_a_border_made_of_channels_keeps_them(reasons) -> None:
    class Reflect(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 1)
            self.head = nn.Conv3d(1, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)[:, None]
            return self.head(F.pad(x, (0, 0, 0, 0, 1, 1), mode="replicate"))

    graph = trace_channels(Reflect(), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "conv" in reasons(graph)


class Input(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.head = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x + self.conv(x))


def test_a_sum_with_the_input_keeps_its_width(reasons) -> None:
    graph = trace_channels(Input(), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "input of the network" in reasons(graph)["conv"]
