from __future__ import annotations

import pytest
import torch
from table_nets import Dots
from torch import nn

from edgeprune.models.inputs import random_inputs
from edgeprune.models.registry import build_model
from edgeprune.models.skeleton import build_skeleton
from edgeprune.models.summary import count_macs, count_params, summarise


@pytest.mark.parametrize(
    ("arch", "params", "macs", "published_mmacs"),
    [
        ("wrn_40_2", 2_255_156, 327_610_880, 327.6),
        ("wrn_16_2", 703_284, 101_118_464, 101.1),
        ("wrn_16_1", 180_916, 26_663_168, 26.7),
        ("resnet20", 278_324, 40_818_944, 40.8),
    ],
)
def test_published_sizes(arch: str, params: int, macs: int, published_mmacs: float) -> None:
    summary = summarise(build_model(arch, num_classes=100), (torch.zeros(1, 3, 32, 32),))
    assert (summary.params, summary.macs) == (params, macs)
    assert round(summary.macs / 1e6, 1) == published_mmacs


@pytest.mark.parametrize("arch", ["vit_b_16", "swin_t", "regnet_y_400mf"])
def test_layers_add_up_to_the_network(arch: str) -> None:
    model = build_skeleton(arch, num_classes=9).to("meta")
    summary = summarise(model, (torch.empty(1, 3, 224, 224, device="meta"),))
    assert sum(layer.params for layer in summary.layers) == summary.params == count_params(model)
    assert sum(layer.macs for layer in summary.layers) == summary.macs


def test_attention_counts_the_same_on_every_device() -> None:
    attention = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    tokens = torch.randn(1, 5, 16)
    weights = 4 * 16 * 16 + 2 * 16 * 32
    expected = 5 * weights + 2 * 5 * 5 * 16
    assert count_macs(attention, (tokens,)) == expected
    assert count_macs(attention.to("meta"), (tokens.to("meta"),)) == expected


def test_a_layer_row_says_what_the_layer_is() -> None:
    model = build_model("wrn_10_1", num_classes=9, in_channels=1)
    rows = {layer.name: layer for layer in summarise(model, (torch.zeros(1, 1, 8, 8),)).layers}
    stem, norm, shortcut = rows["conv1"], rows["bn1"], rows["block2.layer.0.convShortcut"]
    assert (stem.kind, stem.in_width, stem.out_width) == ("Conv2d", 1, 16)
    assert (stem.params, stem.macs) == (144, 144 * 64)
    assert (norm.params, norm.macs) == (128, 0)
    assert shortcut.macs == 16 * 32 * 4 * 4
    assert "relu" not in rows


def test_shared_weights_count_once_and_the_mode_is_put_back() -> None:
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    second.weight = first.weight
    model = nn.Sequential(first, nn.Dropout(), second).train()
    model[1].eval()
    summary = summarise(model, (torch.ones(1, 4),))
    assert (summary.params, summary.macs) == (16, 32)
    assert [layer.params for layer in summary.layers] == [16, 0]
    assert model.training
    assert not model[1].training


def test_lookups_cost_bytes_and_dot_products_cost_macs() -> None:
    model = Dots(rows=(12, 9), genres=7, width=8)
    found = summarise(model, random_inputs(model.input_specs(), 1))
    linear = sum(m.weight.numel() for m in model.modules() if isinstance(m, nn.Linear))
    assert found.macs == linear + 4 * 4 * 8, "every pair of four fields, both ways"
    assert found.params == sum(parameter.numel() for parameter in model.parameters())
    tables = {table.name: table for table in found.tables}
    assert list(tables) == ["tables.0", "tables.1", "genres"]
    assert (tables["genres"].lookups, tables["genres"].bytes_per_sample) == (4, 4 * 8 * 4)
    assert sum(table.params for table in found.tables) == (12 + 9 + 7) * 8
    assert tables["tables.0"].share == 12 * 8 / found.params
    again = summarise(model, random_inputs(model.input_specs(), 5))
    assert again.tables == found.tables, "bytes are those of one sample"
