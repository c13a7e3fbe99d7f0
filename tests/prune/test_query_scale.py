"""Attention scores stay what they were when heads get narrower."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from attention_nets import OwnWidth, half_of
from torch import Tensor

from edgeprune.prune.discovery import find_channels
from edgeprune.prune.equivalence import RemovalNotEqualError, prove
from edgeprune.prune.graph import narrow_graph
from edgeprune.prune.masking import masked
from edgeprune.prune.query_scale import query_factors
from edgeprune.prune.removal import Removal, kept_positions, make_removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.tickets import KeptIndex


def test_without_the_scale_the_proof_fails() -> None:
    """What the check is for: leave the factor out, and 1 / sqrt(d) shows."""
    model, inputs = OwnWidth(None), (torch.randn(2, 5, 4),)
    graph = find_channels(model, inputs)
    broken = replace(graph, groups=tuple(replace(g, queries=None) for g in graph.groups))
    with pytest.raises(RemovalNotEqualError, match="differs from masking"):
        prove(model, broken, half_of(broken), inputs)


def test_a_second_removal_scales_from_the_width_that_is_left() -> None:
    torch.manual_seed(0)
    model, inputs = OwnWidth(None, head_dim=8), (torch.randn(2, 5, 4),)
    graph = find_channels(model, inputs)
    at_once, in_steps = copy.deepcopy(model), copy.deepcopy(model)
    number = graph.group_index["qkv"]

    def removal(channels: list[int]) -> Removal:
        return make_removal([channels if g == number else [] for g in range(len(graph.groups))])

    remove_channels(at_once, graph, removal([0, 2, 5]))
    remove_channels(in_steps, graph, removal([0, 2]))
    left = narrow_graph(graph, removal([0, 2]).channels)
    assert left.splits[0].width == 6
    remove_channels(in_steps, left, removal([3]))
    torch.testing.assert_close(at_once(*inputs), in_steps(*inputs))
    for name, tensor in at_once.state_dict().items():
        torch.testing.assert_close(tensor, in_steps.state_dict()[name])


def test_rewound_weights_are_scaled_like_the_network() -> None:
    """A ticket's early weights, restricted, have the function of the masked early network."""
    torch.manual_seed(0)
    model, inputs = OwnWidth(None), (torch.randn(2, 5, 4),)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    graph = find_channels(model, inputs)
    removal = half_of(graph)
    expected = copy.deepcopy(model)
    remove_channels(expected, graph, removal)
    kept = kept_positions(graph, removal)
    index = KeptIndex().after(kept, query_factors(graph, removal, kept))
    index = KeptIndex.from_dict(index.as_dict())
    for name, tensor in index.restrict(start).items():
        torch.testing.assert_close(tensor, expected.state_dict()[name])


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_gradients_and_moments_are_scaled_against_their_weights(
    kind: type[torch.optim.Optimizer],
) -> None:
    """They are what the smaller network gives by itself."""
    torch.manual_seed(0)
    model, inputs = OwnWidth(None).double(), (torch.randn(2, 5, 4).double(),)
    graph = find_channels(model, inputs)
    removal = half_of(graph)
    options = {"momentum": 0.9} if kind is torch.optim.SGD else {}
    optimizer = kind(model.parameters(), lr=0.0, **options)
    with masked(model, graph, removal):
        model(*inputs).square().sum().backward()
    optimizer.step()
    remove_channels(model, graph, removal, optimizer=optimizer)
    carried = model.qkv.weight.grad.clone()
    state = optimizer.state[model.qkv.weight]
    optimizer.zero_grad()
    model(*inputs).square().sum().backward()
    fresh = model.qkv.weight.grad
    torch.testing.assert_close(carried, fresh)
    if kind is torch.optim.SGD:
        torch.testing.assert_close(state["momentum_buffer"], fresh)
    else:
        torch.testing.assert_close(state["exp_avg"], 0.1 * fresh)
        torch.testing.assert_close(state["exp_avg_sq"], 0.001 * fresh.square())


class Divided(OwnWidth):
    """Its scores fall with the queries: no factor on their weights can make up for a scale."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.embed(x)).reshape(2, 5, 3, 2, self.head_dim).permute(2, 0, 3, 1, 4)
        scores = (1.0 / (q.square() + 1)) @ k.mT * self.head_dim**-0.5
        mixed = scores.softmax(-1) @ v
        return self.last(self.out(mixed.transpose(1, 2).flatten(2)))


def test_queries_that_are_no_multiple_of_their_weights_keep_their_width() -> None:
    graph = find_channels(Divided(None), (torch.randn(2, 5, 4),))
    assert "qkv" not in {group.name for group in graph.groups}
    assert any(s.layer == "qkv" and "scales its scores" in s.reason for s in graph.skipped)
