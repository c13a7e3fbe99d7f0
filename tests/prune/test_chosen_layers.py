"""Pruning that is confined to named layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import edgeprune
from edgeprune.errors import UserInputError
from edgeprune.models.registry import build_model
from edgeprune.prune.chosen_layers import confined_to
from edgeprune.prune.discovery import find_channels

IMAGE = torch.randn(1, 3, 32, 32)


@pytest.fixture
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return build_model("resnet20", num_classes=10)


def _widths(model: nn.Module) -> dict[str, int]:
    return {n: m.out_channels for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}


def test_only_the_named_layers_get_narrower(resnet: nn.Module) -> None:
    before = _widths(resnet)
    report = edgeprune.prune_model(
        resnet, IMAGE, pruning_ratio=0.5, layers=["layer3.*.conv1"], global_pruning=False
    )
    changed = {name: width for name, width in _widths(resnet).items() if width != before[name]}
    assert changed == {f"layer3.{block}.conv1": 32 for block in range(3)}
    assert {group.name for group in report.groups} == set(changed)
    assert not report.skipped


def test_layers_that_share_channels_with_a_named_one_go_along(resnet: nn.Module) -> None:
    edgeprune.prune_model(resnet, IMAGE, pruning_ratio=0.5, layers=["conv1"])
    assert {resnet.conv1.out_channels, *(b.conv2.out_channels for b in resnet.layer1)} == {8}
    assert resnet.layer2[0].conv2.out_channels == 32


def test_the_last_classifier_is_refused_with_its_reason_and_the_others_go(
    resnet: nn.Module,
) -> None:
    report = edgeprune.prune_model(
        resnet, IMAGE, pruning_ratio=0.5, layers=["fc", "layer3.2.conv1"]
    )
    assert resnet.fc.out_features == 10
    assert resnet.layer3[2].conv1.out_channels == 32
    assert [(s.layer, s.reason) for s in report.skipped] == [
        ("fc", "its channels are the network's output")
    ]


def test_the_last_classifier_alone_is_an_error(resnet: nn.Module) -> None:
    with pytest.raises(UserInputError, match="fc: its channels are the network's output"):
        edgeprune.prune_model(resnet, IMAGE, pruning_ratio=0.5, layers=["fc"])


def test_a_name_that_does_not_exist_is_an_error(resnet: nn.Module) -> None:
    with pytest.raises(UserInputError, match="layers: no module or parameter is named 'layer9'"):
        edgeprune.prune_model(resnet, IMAGE, pruning_ratio=0.5, layers=["layer9"])


def test_a_layer_without_channels_of_its_own_is_an_error(resnet: nn.Module) -> None:
    with pytest.raises(UserInputError, match="nothing that could shrink"):
        edgeprune.prune_model(resnet, IMAGE, pruning_ratio=0.5, layers=["avgpool"])


def test_linked_groups_stay_together() -> None:
    encoder = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
    model, inputs = nn.Sequential(nn.Linear(3, 16), encoder, nn.Linear(16, 2)), torch.randn(1, 5, 3)
    whole = find_channels(model, (inputs,))
    graph = confined_to(whole, model, ["0"])
    assert [len(link.groups) for link in graph.links] == [len(link.groups) for link in whole.links]
    assert "1.linear1" not in graph.group_index
