"""The whole of channel discovery: modes, sharing, costs, wishes, errors."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from edgeprune.errors import UnsupportedError, UserInputError
from edgeprune.models.registry import build_model
from edgeprune.prune.graph import trace_channels


def _small() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.Conv2d(6, 2, 1)
    )


IMAGE = (torch.randn(1, 3, 8, 8),)


def test_frozen_and_bf16_models_have_the_same_groups(sizes) -> None:
    frozen = _small().requires_grad_(False)
    assert sizes(trace_channels(frozen, IMAGE)) == {"0": 8, "3": 6}
    narrow = (IMAGE[0].bfloat16(),)
    assert sizes(trace_channels(_small().bfloat16(), narrow)) == {"0": 8, "3": 6}


def test_the_model_is_left_as_it_was() -> None:
    model = _small().train()
    model[1].eval()
    state = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    torch.manual_seed(3)
    before = torch.rand(1)
    torch.manual_seed(3)
    trace_channels(model, IMAGE)
    assert torch.equal(torch.rand(1), before)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


class Twice(nn.Module):
    """One layer called twice: what it writes is what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.again = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.again(torch.relu(self.again(self.first(x)))))


def test_a_layer_called_twice(assert_exact, sizes) -> None:
    graph = assert_exact(Twice(), *IMAGE)
    assert sizes(graph) == {"first": 8}
    assert {c.name: c.positions for c in graph.layers} == {"first": 64, "again": 128, "last": 64}


class Shared(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.left = nn.Conv2d(8, 6, 1)
        self.right = nn.Conv2d(8, 6, 1)
        self.right.weight = self.left.weight
        self.last = nn.Conv2d(6, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.last(self.left(x) * self.right(x.relu()))


def test_shared_weights_are_cut_once(assert_exact, sizes) -> None:
    graph = assert_exact(Shared(), *IMAGE)
    assert sizes(graph) == {"first": 8, "left": 6}
    assert graph.aliases == {"right.weight": "left.weight"}
    names = [s.tensor for g in graph.groups for s in g.slices]
    assert "right.weight" not in names
    assert "right.bias" in names


class Auxiliary(nn.Module):
    """A head that exists in training only, and a layer that nothing calls."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Conv2d(8, 4, 1)
        self.aux = nn.Sequential(nn.Conv2d(8, 6, 1), nn.BatchNorm2d(6), nn.Conv2d(6, 4, 1))
        self.idle = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.trunk(x).mean((2, 3), keepdim=True)
        return (self.head(x), self.aux(x)) if self.training else self.head(x)


def test_auxiliary_heads_are_found_in_training_mode(assert_exact, sizes, reasons) -> None:
    graph = assert_exact(Auxiliary(), *IMAGE)
    assert sizes(graph) == {"trunk.0": 8, "aux.0": 6}
    assert "aux.0.weight" in {s.tensor for s in graph.groups[0].slices}
    assert "no forward pass uses it" in reasons(graph)["idle"]
    assert {cost.name for cost in graph.layers} == {"trunk.0", "head"}


def test_costs_equal_the_flop_counter() -> None:
    model = build_model("wrn_10_1", num_classes=10).eval()
    x = torch.randn(1, 3, 16, 16)
    graph = trace_channels(model, (x,))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x)
    macs = sum(c.positions * int(np.prod(graph.tensors[c.weight])) for c in graph.layers)
    assert 2 * macs == counter.get_total_flops()


def test_zoo_network_and_its_modules(assert_exact) -> None:
    model = build_model("wrn_10_1", num_classes=10)
    graph = assert_exact(model, torch.randn(1, 3, 16, 16))
    assert [s.layer for s in graph.skipped] == ["fc"]
    for path in ("block2.layer.0", "block3.layer.0.relu1", "block2"):
        group, channel = graph.module_channels(path)
        assert {graph.groups[i].name for i in group} == {"block2.layer.0.conv2"}
        assert channel.tolist() == list(range(32))
    assert graph.module_channels("fc")[0].tolist() == [-1] * 10
    with pytest.raises(UserInputError, match=r"module 'block9' computes nothing"):
        graph.module_channels("block9")


def test_channel_numbers_follow_the_first_tensor() -> None:
    graph = trace_channels(build_model("resnet20", num_classes=10), (torch.randn(1, 3, 16, 16),))
    for group in graph.groups:
        assert group.slices[0].channel.tolist() == list(range(group.size))
        for s in group.slices:
            assert (np.diff(s.index) > 0).all()
            assert (np.bincount(s.channel, minlength=group.size) == len(s.index) / group.size).all()
    assert len({group.name for group in graph.groups}) == len(graph.groups)


@pytest.mark.parametrize("wish", [["0"], ["[0]"], ["0.weight"]], ids=str)
def test_ignored_layers_keep_their_output(sizes, reasons, wish: list[str]) -> None:
    graph = trace_channels(_small(), IMAGE, ignored_layers=wish)
    assert sizes(graph) == {"3": 6}
    assert "ignored_layers" in reasons(graph)["0"]


def test_ignored_blocks_and_patterns(sizes) -> None:
    model = build_model("wrn_10_1", num_classes=10)
    x = (torch.randn(1, 3, 16, 16),)
    kept = set(sizes(trace_channels(model, x, ignored_layers=["block2"])))
    assert kept == {"block1.layer.0.conv1", "block3.layer.0.conv1", "block3.layer.0.conv2"}
    kept = set(sizes(trace_channels(model, x, ignored_layers=["*.conv1", "fc"])))
    assert kept == {"conv1", "block2.layer.0.conv2", "block3.layer.0.conv2"}


def test_a_wish_for_nothing_is_an_error() -> None:
    with pytest.raises(UserInputError, match="no module or parameter is named '9'"):
        trace_channels(_small(), IMAGE, ignored_layers=["9"])
    with pytest.raises(UserInputError, match="Conv2d is not a name"):
        trace_channels(_small(), IMAGE, ignored_layers=[_small()[0]])  # type: ignore[list-item]


def test_inputs_that_are_no_tensors_are_refused() -> None:
    with pytest.raises(UserInputError, match="example_inputs"):
        trace_channels(_small(), (3,))  # type: ignore[arg-type]


class Fickle(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_untraceable_models_are_one_clear_line() -> None:
    with pytest.raises(UnsupportedError, match="cannot trace Fickle in evaluation mode") as caught:
        trace_channels(Fickle(), IMAGE)
    assert "\n" not in str(caught.value)


class Guarded(nn.Module):
    """A part of the network runs without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            x = self.stem(x).relu()
        return {"out": self.last(x)}


def test_blocks_without_gradients_are_entered(assert_exact, sizes) -> None:
    graph = assert_exact(Guarded(), *IMAGE)
    assert sizes(graph) == {"stem": 8}
    assert graph.module_channels("stem")[0].tolist() == [0] * 8
