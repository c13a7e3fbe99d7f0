"""A narrowed graph is the graph of the narrowed network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeprune.models.registry import build_model
from edgeprune.prune.graph import AxisSlices, ChannelGraph, narrow_graph, trace_channels
from edgeprune.prune.removal import Removal
from edgeprune.prune.surgery import remove_channels


def _places(s: AxisSlices) -> tuple[object, ...]:
    return s.tensor, s.axis, s.index.tolist(), s.channel.tolist(), s.reads, s.writes


def _plain(graph: ChannelGraph) -> list[object]:
    groups = [(g.name, g.size, g.exact, [_places(s) for s in g.slices]) for g in graph.groups]
    outputs = {k: (v.group.tolist(), v.channel.tolist()) for k, v in graph.outputs.items()}
    return [groups, dict(graph.tensors), outputs, graph.layers]


class Mixed(nn.Module):
    """Concatenation, depthwise, pixel shuffle and flatten: many places for one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 12, 1)
        self.deep = nn.Conv2d(20, 20, 3, groups=20)
        self.wide = nn.Conv2d(20, 24, 1)
        self.shuffle = nn.PixelShuffle(2)
        self.last = nn.Linear(6 * 64, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.wide(self.deep(torch.cat([self.left(x), self.right(x)], 1)))
        return self.last(self.shuffle(x[:, :, :4, :4]).flatten(1))


@pytest.mark.parametrize("build", [lambda: build_model("wrn_10_1", num_classes=10), Mixed])
def test_equal_to_tracing_again(build: Callable[[], nn.Module]) -> None:
    model = build()
    x = (torch.randn(1, 3, 16, 16),)
    graph = trace_channels(model, x)
    random = np.random.default_rng(0)
    gone = tuple(np.sort(random.permutation(g.size)[: g.size // 3]) for g in graph.groups)
    remove_channels(model, graph, Removal(gone))
    assert _plain(narrow_graph(graph, gone)) == _plain(trace_channels(model, x))


def test_a_group_down_to_one_channel_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1))
    graph = trace_channels(model, (torch.randn(1, 3, 4, 4),))
    left = narrow_graph(graph, [np.array([2, 0]), np.array([1])])
    assert [(g.name, g.size) for g in left.groups] == [("1", 3)]
    assert left.skipped[-1].layer == "0"
    assert left.module_channels("0")[0].tolist() == [-1]
    assert left.module_channels("1")[0].tolist() == [0, 0, 0]


def test_an_empty_group_is_refused() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 4, 1))
    graph = trace_channels(model, (torch.randn(1, 3, 4, 4),))
    with pytest.raises(ValueError, match="would lose all its channels"):
        narrow_graph(graph, [np.array([0, 1])])
