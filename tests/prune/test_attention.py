"""Heads get narrower, or go, and widths that hang together go together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from attention_nets import SCALES, OwnWidth, half_of
from torch import Tensor, nn
from torchvision.models import MaxVit, SwinTransformer, VisionTransformer
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

import edgeprune
from edgeprune.errors import UserInputError
from edgeprune.export.compare import onnx_max_abs_error
from edgeprune.models.attributes import apply_attributes, attributes_of
from edgeprune.models.resize import resize_parameters
from edgeprune.models.summary import count_params
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.equivalence import prove
from edgeprune.prune.removal import make_removal
from edgeprune.prune.surgery import remove_channels


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
    assert prove(model, graph, half_of(graph), inputs).max_rel_error <= 1e-9
    remove_channels(model, graph, half_of(graph))
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
    assert prove(model, graph, half_of(graph), inputs).max_rel_error <= 1e-9
    remove_channels(model, graph, half_of(graph))
    assert (model.heads, model.head_dim) == (2, 6)
    model(*inputs).sum().backward()


class Encoder(nn.Module):
    """torch's own encoder layer between two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(3, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=12, batch_first=True)
        self.last = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layer(self.embed(x)))


def test_heads_of_multihead_attention_take_their_share_of_the_stream() -> None:
    model, inputs = Encoder(), (torch.randn(1, 5, 3),)
    graph = find_channels(model, inputs, attention="heads")
    (link,) = graph.links
    assert link.ratio == (8, 1)
    edgeprune.prune_model(model, *inputs, pruning_ratio=0.5, round_to=1, attention="heads")
    attention = model.layer.self_attn
    assert (attention.num_heads, attention.head_dim, attention.embed_dim) == (1, 8, 8)


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
    assert prove(model, graph, half_of(graph), inputs).max_rel_error <= 1e-9
