"""First and last layers are found by how a network runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgeprune.models.layer_roles import layer_roles, owns_its_weight
from edgeprune.models.registry import build_model


class _TwoStems(nn.Module):
    """Two convolutions read the image, two classifiers give the outputs; named to mislead."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(3, 4, 3, padding=1)
        self.classifier = nn.Conv2d(3, 4, 1)
        self.middle = nn.Conv2d(4, 4, 3, padding=1)
        self.first = nn.Linear(4, 2)
        self.also = nn.Linear(4, 2)
        self.unused = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = nn.functional.relu(self.last(x), inplace=True) + self.classifier(x * 2)
        x = nn.functional.relu_(self.middle(x)).mean((2, 3))
        return {"a": self.first(x), "b": self.also(x)}


def test_ends_are_told_by_the_flow_of_values() -> None:
    roles = layer_roles(_TwoStems(), (torch.randn(2, 3, 8, 8),))
    assert roles.ran == ("last", "classifier", "middle", "first", "also")
    assert roles.reads_inputs == {"last", "classifier"}
    assert roles.gives_outputs == {"first", "also"}
    assert roles.inner == ("middle",)


def test_a_stream_past_the_blocks_is_no_way_round_them() -> None:
    for arch, first, last in (("wrn_16_1", "conv1", "fc"), ("resnet20", "conv1", "fc")):
        model = build_model(arch, num_classes=3, in_channels=1)
        roles = layer_roles(model, (torch.randn(2, 1, 8, 8),))
        assert roles.reads_inputs == {first}, arch
        assert roles.gives_outputs == {last}, arch


def test_whole_numbers_are_no_images() -> None:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(8, 3), nn.Linear(3, 2))
    roles = layer_roles(model, (torch.tensor([[0, 1], [2, 3]]),))
    assert roles.reads_inputs == frozenset()
    assert roles.gives_outputs == {"3"}


def test_the_network_is_left_as_it_was() -> None:
    model = _TwoStems()
    model.middle.eval()
    images = torch.randn(2, 3, 8, 8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        layer_roles(model, (images,))
    assert model.training
    assert not model.middle.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_computed_weight_is_not_the_layers_own() -> None:
    plain, normed = nn.Linear(4, 4), nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    assert owns_its_weight(plain)
    assert not owns_its_weight(normed)
