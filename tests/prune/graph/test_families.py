"""Published architectures: discovered, cut, proved."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision.models as tv
from torch import nn

from edgeprune.models.registry import build_model
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.removal import make_removal
from edgeprune.prune.surgery import remove_channels

FAMILIES: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    # name: (how to build it, image size, number of groups)
    "resnet18": (lambda: tv.resnet18(num_classes=10), 32, 12),
    "resnext": (
        lambda: tv.ResNet(tv.resnet.Bottleneck, [1, 1, 1, 1], 10, groups=4, width_per_group=8),
        *(32, 13),
    ),
    "mobilenet_v3_small": (lambda: tv.mobilenet_v3_small(num_classes=10), 32, 27),
    "densenet": (
        lambda: tv.DenseNet(8, (2, 2), num_init_features=16, bn_size=2, num_classes=10),
        *(32, 10),
    ),
    "googlenet": (
        lambda: tv.GoogLeNet(10, aux_logits=False, init_weights=False),
        *(32, 57),
    ),
    "squeezenet": (lambda: tv.squeezenet1_1(num_classes=10), 64, 25),
    "regnet": (lambda: tv.regnet_y_400mf(num_classes=10), 32, 53),
    "resnet20": (lambda: build_model("resnet20", num_classes=10), 16, 12),
    "cifar_vgg11_bn": (lambda: build_model("cifar_vgg11_bn", num_classes=10), 32, 8),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_half_of_every_group_can_go(assert_exact, name: str) -> None:
    build, size, groups = FAMILIES[name]
    model = build()
    graph = assert_exact(model, torch.randn(1, 3, size, size))
    assert len(graph.groups) == groups
    assert len(graph.skipped) == 1, "only the classifier's outputs stay"
    outputs = 10
    writable = sum(p.shape[0] for p in model.parameters() if p.dim() == 4) - outputs
    depthwise = sum(
        m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d) and m.groups > 4
    )
    written = sum(len(s.index) for g in graph.groups for s in g.slices if s.writes)
    assert written >= writable - depthwise


DETECTORS = {
    "fcos_resnet50_fpn": 320,
    "ssd300_vgg16": 300,
    "ssdlite320_mobilenet_v3_large": 320,
}


@pytest.mark.parametrize("name", DETECTORS)
def test_backbones_of_detectors_keep_what_they_put_out(name: str) -> None:
    build = getattr(tv.detection, name)
    model = build(weights=None, weights_backbone=None).backbone.eval()
    image = torch.randn(1, 3, DETECTORS[name], DETECTORS[name])
    before = {level: map_.shape for level, map_ in model(image).items()}
    graph = find_channels(model, (image,))
    assert {entry.reason for entry in graph.skipped} == {"its channels are the network's output"}
    removal = make_removal([range(group.size // 2) for group in graph.groups])
    remove_channels(model, graph, removal)
    assert {level: map_.shape for level, map_ in model(image).items()} == before
