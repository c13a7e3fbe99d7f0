"""Heads get narrower, scores stay what they were, and widths that hang together go together."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import MaxVit, SwinTransformer, VisionTransformer
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

import edgeprune
from edgeprune.errors import UserInputError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.models.attributes import apply_attributes, attributes_of
from edgeprune.models.resize import resize_parameters
from edgeprune.models.summary import count_params
from edgeprune.prune import discovery
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.equivalence import RemovalNotEqualError, prove
from edgeprune.prune.graph import ChannelGraph, narrow_graph
from edgeprune.prune.masking import masked
from edgeprune.prune.query_scale import query_factors
from edgeprune.prune.removal import Removal, kept_positions, make_removal
from edgeprune.prune.surgery import remove_channels
from edgeprune.prune.tickets import KeptIndex

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


def _half(graph: ChannelGraph) -> Removal:
    return Removal(tuple(np.arange(group.size // 2) * 2 for group in graph.groups))


@pytest.mark.parametrize("scores", [None, *SCALES])
def test_an_own_inner_width_shrinks_exactly(scores: str | None) -> None:
    torch.manual_seed(0)
    model, inputs = OwnWidth(scores), (torch.randn(2, 5, 4),)
    graph = find_channels(model, inputs)
    assert {group.name: group.size for group in graph.groups} == {"embed": 8, "qkv": 6}
    qkv = graph.groups[graph.group_index["qkv"]]
    is_scaled = scores is None or SCALES[scores][1]
    assert (qkv.queries is not None) == is_scaled
    if qkv.queries is not None:
        places = {s.tensor: s.index.tolist() for s in qkv.queries.slices}
        assert places == {"qkv.weight": [*range(12)], "qkv.bias": [*range(12)]}
    assert prove(model, graph, _half(graph), inputs).max_rel_error <= 1e-9
    remove_channels(model, graph, _half(graph))
    assert model.head_dim == 3
    model(*inputs).sum().backward()


@pytest.mark.parametrize("scores", [None, *SCALES])
def test_whole_heads_go_exactly(scores: str | None) -> None:
    torch.manual_seed(0)
    model, inputs = OwnWidth(scores, heads=4), (torch.randn(2, 5, 4),)
    graph = find_channels(model, inputs, attention="heads")
    assert {group.name: group.size for group in graph.groups} == {"embed": 8, "qkv": 4}
    heads = graph.groups[graph.group_index["qkv"]]
    assert heads.queries is None, "the width of a head stays, and so does the scale"
    assert [len(s.index) for s in heads.slices if s.tensor == "qkv.weight"] == [3 * 4 * 6]
    assert prove(model, graph, _half(graph), inputs).max_rel_error <= 1e-9
    remove_channels(model, graph, _half(graph))
    assert (model.heads, model.head_dim) == (2, 6)
    model(*inputs).sum().backward()


def test_heads_of_multihead_attention_take_their_share_of_the_stream() -> None:
    model, inputs = Encoder(), (torch.randn(1, 5, 3),)
    graph = find_channels(model, inputs, attention="heads")
    (link,) = graph.links
    assert link.ratio == (8, 1)
    edgeprune.prune_model(model, *inputs, pruning_ratio=0.5, round_to=1, attention="heads")
    attention = model.layer.self_attn
    assert (attention.num_heads, attention.head_dim, attention.embed_dim) == (1, 8, 8)


def test_without_the_scale_the_proof_fails() -> None:
    """What the check is for: leave the factor out, and 1 / sqrt(d) shows."""
    model, inputs = OwnWidth(None), (torch.randn(2, 5, 4),)
    graph = find_channels(model, inputs)
    broken = replace(graph, groups=tuple(replace(g, queries=None) for g in graph.groups))
    with pytest.raises(RemovalNotEqualError, match="differs from masking"):
        prove(model, broken, _half(broken), inputs)


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
    removal = _half(graph)
    expected = copy.deepcopy(model)
    remove_channels(expected, graph, removal)
    kept = kept_positions(graph, removal)
    index = KeptIndex().after(kept, query_factors(graph, removal, kept))
    index = KeptIndex.from_dict(index.as_dict())
    for name, tensor in index.restrict(start).items():
        torch.testing.assert_close(tensor, expected.state_dict()[name])


class Encoder(nn.Module):
    """torch's own encoder layer between two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(3, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=12, batch_first=True)
        self.last = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layer(self.embed(x)))


def test_stream_and_heads_of_multihead_attention_go_in_proportion() -> None:
    model, inputs = Encoder(), (torch.randn(1, 5, 3),)
    graph = find_channels(model, inputs)
    (link,) = graph.links
    assert [graph.groups[g].name for g in link.groups] == [
        "embed",
        "layer.self_attn.in_proj_weight",
    ]
    assert link.ratio == (2, 1)
    assert not any(graph.groups[g].exact for g in link.groups), "the stream passes a layer norm"
    with pytest.raises(UserInputError, match="only go in proportion"):
        remove_channels(model, graph, make_removal([[0, 1], [], []]))
    report = edgeprune.prune_model(model, *inputs, pruning_ratio=0.5, round_to=2)
    attention = model.layer.self_attn
    assert attention.embed_dim == model.embed.out_features < 16
    assert attention.head_dim * attention.num_heads == attention.embed_dim
    assert report.equivalence.max_rel_error <= 1e-9
    model(*inputs).sum().backward()


def _vit() -> tuple[nn.Module, Tensor]:
    model = VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=96,
        num_classes=5,
    )  # fmt: skip
    return model, torch.randn(1, 3, 32, 32)


def _swin(**versions: type[nn.Module]) -> tuple[nn.Module, Tensor]:
    model = SwinTransformer(
        patch_size=[4, 4], embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4],
        num_classes=5, **versions,
    )  # fmt: skip
    return model, torch.randn(1, 3, 64, 64)


def _swin_v2() -> tuple[nn.Module, Tensor]:
    """Cosine attention, a position network, and a bias of which the middle third is cut out."""
    return _swin(block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)


def _maxvit() -> tuple[nn.Module, Tensor]:
    model = MaxVit(
        input_size=(32, 32), stem_channels=16, partition_size=2, block_channels=[32, 64],
        block_layers=[1, 1], head_dim=16, stochastic_depth_prob=0.0, num_classes=5,
    )  # fmt: skip
    return model, torch.randn(1, 3, 32, 32)


@pytest.mark.parametrize("attention", ["dims", "heads"])
@pytest.mark.parametrize("make", [_vit, _swin, _swin_v2, _maxvit])
def test_vision_transformers_shrink_all_over(
    make: Callable[[], tuple[nn.Module, Tensor]], attention: str
) -> None:
    torch.manual_seed(0)
    model, x = make()
    before = count_params(model)
    report = edgeprune.prune_model(model, x, pruning_ratio=0.5, attention=attention)
    assert count_params(model) < 0.65 * before
    assert report.mac_reduction > 0.3
    assert report.equivalence.max_rel_error is None or report.equivalence.max_rel_error <= 1e-9
    narrowed = {group.name for group in report.groups if group.after < group.before}
    assert any("attn" in name or "attention" in name for name in narrowed)
    reasons = [entry.reason for entry in report.skipped]
    assert not [reason for reason in reasons if "fixed widths" in reason], reasons
    model.train()(torch.cat([x, x])).sum().backward()
    assert model.eval()(x).shape == (1, 5)
    again = make()[0].eval()
    apply_attributes(again, attributes_of(model))
    resize_parameters(again, model.state_dict())
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), model(x)), "a checkpoint restores it without surgery"


def test_a_narrowed_encoder_exports_and_agrees(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, x = _vit()
    edgeprune.prune_model(model, x, pruning_ratio=0.5)
    exported = edgeprune.export_onnx(model.eval(), (x,), tmp_path / "vit.onnx")
    assert onnx_max_abs_error(exported.path, model, [(torch.randn(3, 3, 32, 32),)]) <= 1e-4


class Literal(nn.Module):
    """A grouped view with its numbers written out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.second(x.view(-1, 2, 4, 5, 5).transpose(1, 2).reshape(-1, 8, 5, 5))


def test_a_view_of_literal_sizes_is_refused_with_its_reason() -> None:
    graph = find_channels(Literal(), (torch.randn(1, 3, 5, 5),))
    assert not graph.groups
    assert any("works with fixed widths" in entry.reason for entry in graph.skipped)


class Two(nn.Module):
    """One attention with its widths computed, one with them written out, on one stream."""

    def __init__(self) -> None:
        super().__init__()
        self.good, self.bad = OwnWidth(None), OwnWidth(None)
        self.bad.forward = self._literal  # type: ignore[method-assign]

    def _literal(self, x: Tensor) -> Tensor:
        h = self.bad.embed(x)
        q, k, v = self.bad.qkv(h).reshape(2, 5, 3, 2, 6).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 5, 12)
        return self.bad.last(h + self.bad.out(mixed))

    def forward(self, x: Tensor) -> Tensor:
        return self.good(x) + self.bad(x)


def test_one_attention_that_cannot_go_does_not_hold_another_back() -> None:
    graph = find_channels(Two(), (torch.randn(2, 5, 4),))
    names = {group.name for group in graph.groups}
    assert "good.qkv" in names
    assert "bad.qkv" not in names
    assert any(s.layer == "bad.qkv" and "fixed widths" in s.reason for s in graph.skipped)


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


class Table(nn.Module):
    """A position network that reads a table of constants."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("places", torch.randn(5, 4))
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(self.places).relu())


def test_a_table_of_constants_is_no_channel_and_is_named() -> None:
    graph = find_channels(Table(), (torch.randn(2, 5, 3),))
    assert [group.name for group in graph.groups] == ["first"]
    assert any(s.layer == "places" and "constant" in s.reason for s in graph.skipped)


def test_what_cannot_be_tried_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("no such thing without data")

    monkeypatch.setattr(discovery, "FakeBench", failing)
    graph = find_channels(OwnWidth(None), (torch.randn(2, 5, 4),))
    assert [group.name for group in graph.groups] == ["embed"]
    assert any("could not be tried (no such thing" in s.reason for s in graph.skipped)


class Thirds(nn.Module):
    """Takes the middle third of its channels, by number or by share."""

    def __init__(self, by_share: bool) -> None:
        super().__init__()
        self.by_share = by_share
        self.first, self.second = nn.Linear(4, 12), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        part = x.shape[1] // 3 if self.by_share else 4
        return self.second(x[:, part : 2 * part] if self.by_share else x[:, 4:8])


def test_a_slice_by_share_is_followed_and_one_by_number_is_not() -> None:
    inputs = (torch.randn(2, 4),)
    model = Thirds(by_share=True)
    graph = find_channels(model, inputs)
    assert [group.size for group in graph.groups] == [4]
    assert prove(model, graph, _half(graph), inputs).max_rel_error <= 1e-9
    graph = find_channels(Thirds(by_share=False), inputs)
    assert not graph.groups
    assert any("taking" in entry.reason or "fixed" in entry.reason for entry in graph.skipped)


class CosineHead(nn.Module):
    """Features and class weights on the unit sphere."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.classes = nn.Linear(4, 8), nn.Parameter(torch.randn(3, 8))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.normalize(self.first(x)), F.normalize(self.classes))


def test_norms_over_channels_that_are_zero_at_their_source_are_exact() -> None:
    model, inputs = CosineHead(), (torch.randn(2, 4),)
    graph = find_channels(model, inputs)
    assert [(group.size, group.unread) for group in graph.groups] == [(8, True)]
    assert prove(model, graph, _half(graph), inputs).max_rel_error <= 1e-9


class Shuffle(Literal):
    """The same with sizes that follow the channels."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        n, c, h, w = x.shape
        return self.second(x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))


def test_a_view_of_computed_sizes_is_not() -> None:
    model, inputs = Shuffle(), (torch.randn(1, 3, 5, 5),)
    graph = find_channels(model, inputs)
    assert [group.size for group in graph.groups] == [4]
    assert prove(model, graph, _half(graph), inputs).max_rel_error <= 1e-9


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_gradients_and_moments_are_scaled_against_their_weights(
    kind: type[torch.optim.Optimizer],
) -> None:
    """They are what the smaller network gives by itself."""
    torch.manual_seed(0)
    model, inputs = OwnWidth(None).double(), (torch.randn(2, 5, 4).double(),)
    graph = find_channels(model, inputs)
    removal = _half(graph)
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
