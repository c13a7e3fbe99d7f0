"""Surgery: all that belongs to a channel goes, everything else stays, or nothing changes."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgeprune.errors import EdgepruneError, UnsupportedError, UserInputError
from edgeprune.prune.graph.trace import trace_channels
from edgeprune.prune.removal import Removal, kept_positions, make_removal
from edgeprune.prune.surgery import channels_removed, remove_channels

OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01, amsgrad=True),
}


def _cut(tensor, name, kept):
    for axis in range(tensor.dim()):
        if (name, axis) in kept:
            tensor = tensor.index_select(axis, torch.from_numpy(kept[name, axis]))
    return tensor


def _snapshot(model, optimizer=None):
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attributes = {
        path: {k: v for k, v in vars(module).items() if type(v) in (int, tuple)}
        for path, module in model.named_modules()
    }
    identities = [id(parameter) for parameter in model.parameters()]
    moments = sorted(copy.deepcopy(optimizer.state_dict())["state"].items()) if optimizer else []
    return state, attributes, identities, moments


def _same(one, other):
    assert one[0].keys() == other[0].keys()
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0])
    assert one[1:3] == other[1:3]
    assert str(one[3]) == str(other[3])


@pytest.mark.parametrize("name", ["residual", "flattened"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_weights_gradients_and_moments_equal_slicing(subjects, trained_step, name, kind, seed):
    subject = subjects[name]
    model = subject.fresh()
    optimizer = OPTIMIZERS[kind](model.parameters())
    trained_step(model, optimizer, subject.inputs)
    before = copy.deepcopy(model)
    grads = {n: p.grad.clone() for n, p in model.named_parameters()}
    moments = {
        n: {k: v.clone() for k, v in optimizer.state[p].items() if isinstance(v, torch.Tensor)}
        for n, p in model.named_parameters()
    }
    removal = subject.random_removal(seed)
    kept = kept_positions(subject.graph, removal)
    remove_channels(model, subject.graph, removal, optimizer=optimizer)
    expected = before.state_dict()
    for entry, tensor in model.state_dict().items():
        assert torch.equal(tensor, _cut(expected[entry], entry, kept))
    for entry, parameter in model.named_parameters():
        assert torch.equal(parameter.grad, _cut(grads[entry], entry, kept))
        for key, value in moments[entry].items():
            assert torch.equal(optimizer.state[parameter][key], _cut(value, entry, kept))
    assert list(optimizer.param_groups[0]["params"]) == list(model.parameters())
    trained_step(model, optimizer, subject.inputs)


def test_attributes_follow_the_tensors(residual):
    model = residual.fresh()
    removal = residual.remove(stem=[0, 1, 2], inner=[0, 1, 2, 3, 4], project=[15])
    remove_channels(model, residual.graph, removal)
    assert (model.stem.in_channels, model.stem.out_channels) == (3, 5)
    assert model.bn.num_features == 5
    assert (model.inner.in_channels, model.inner.out_channels) == (5, 7)
    depthwise = model.depthwise
    assert (depthwise.in_channels, depthwise.out_channels, depthwise.groups) == (5, 5, 5)
    assert (model.fc.in_features, model.fc.out_features) == (15, 5)
    assert "5, 5, kernel_size=(3, 3)" in repr(depthwise)


def test_grouped_convolutions_stay_rectangular(flattened):
    model = flattened.fresh()
    first = flattened.group("first")
    removal = make_removal([[1] if i == first else [] for i in range(len(flattened.graph.groups))])
    remove_channels(model, flattened.graph, removal)
    assert model.grouped.groups == 2
    assert model.grouped.in_channels == model.first.out_channels == 10
    assert model(*flattened.inputs).shape == (2, 5)


def test_transposed_and_parameterless_norms_and_own_modules():
    class Gain(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.channels = channels
            self.gain = nn.Parameter(torch.rand(channels, 1, 1))
            self.shifts = nn.ParameterList([nn.Parameter(torch.rand(channels, 1, 1))])

        def forward(self, x):
            return x * self.gain + self.shifts[0]

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.ConvTranspose2d(3, 8, 2, stride=2)
            self.norm = nn.InstanceNorm2d(8)
            self.gain = Gain(8)
            self.act = nn.PReLU(8)
            self.down = nn.ConvTranspose2d(8, 6, 1, groups=1)
            self.out = nn.Conv2d(6, 2, 1)

        def forward(self, x):
            return self.out(self.down(self.act(self.gain(self.norm(self.up(x))))))

    model, inputs = Net(), (torch.randn(1, 3, 4, 4),)
    graph = trace_channels(model, inputs)
    number = next(i for i, g in enumerate(graph.groups) if g.size == 8)
    gone = [[0, 3] if i == number else [] for i in range(len(graph.groups))]
    remove_channels(model, graph, make_removal(gone))
    assert (model.up.in_channels, model.up.out_channels) == (3, 6)
    assert (model.down.in_channels, model.down.out_channels) == (6, 6)
    assert model.norm.num_features == 6
    assert model.act.num_parameters == 6
    assert model.gain.channels == 6
    assert model.gain.shifts[0].shape == (6, 1, 1)
    assert model(*inputs).shape == (1, 2, 8, 8)


def test_tied_parameters_are_cut_once_and_stay_tied():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter = nn.Linear(4, 6)
            self.a = nn.Linear(6, 6)
            self.b = nn.Linear(6, 6)
            self.b.weight = self.a.weight
            self.leave = nn.Linear(6, 3)

        def forward(self, x):
            return self.leave(torch.relu(self.b(torch.relu(self.a(self.enter(x))))))

    model, inputs = Tied(), (torch.randn(2, 4),)
    graph = trace_channels(model, inputs)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    gone = [[0] for _ in graph.groups]
    remove_channels(model, graph, make_removal(gone), optimizer=optimizer)
    assert model.a.weight is model.b.weight
    assert model.a.weight.shape == (5, 5)
    assert model.a.in_features == model.b.in_features == 5
    assert model(*inputs).shape == (2, 3)
    assert {id(p) for p in model.parameters()} == {
        id(p) for p in optimizer.param_groups[0]["params"]
    }


def test_frozen_parameters_stay_frozen_and_marks_stay_on_them(residual):
    model = residual.fresh()
    model.inner.weight.requires_grad_(False)
    model.stem.weight.no_decay = True
    remove_channels(model, residual.graph, residual.remove(inner=[0], stem=[1]))
    assert not model.inner.weight.requires_grad
    assert model.outer.weight.requires_grad
    assert model.stem.weight.no_decay


def test_memory_layout_and_dtype_stay(residual):
    model = residual.fresh().to(torch.bfloat16).to(memory_format=torch.channels_last)
    remove_channels(model, residual.graph, residual.remove(inner=[0], stem=[1]))
    assert model.inner.weight.dtype == torch.bfloat16
    assert model.inner.weight.is_contiguous(memory_format=torch.channels_last)
    assert not model.inner.weight.is_contiguous()
    # A kernel of 1x1 fits both layouts; its strides say which one it has.
    assert (
        model.project.weight.stride()
        == nn.Conv2d(7, 16, 1).to(memory_format=torch.channels_last).weight.stride()
    )


def test_parameter_groups_keep_their_settings_and_order(residual):
    model = residual.fresh()
    norms = [p for n, p in model.named_parameters() if "bn" in n]
    others = [p for n, p in model.named_parameters() if "bn" not in n]
    optimizer = torch.optim.SGD(
        [{"params": others, "weight_decay": 1e-3}, {"params": norms, "weight_decay": 0.0}], lr=0.1
    )
    remove_channels(model, residual.graph, residual.random_removal(3), optimizer=optimizer)
    assert [g["weight_decay"] for g in optimizer.param_groups] == [1e-3, 0.0]
    by_id = {id(p): n for n, p in model.named_parameters()}
    assert ["bn" in by_id[id(p)] for g in optimizer.param_groups for p in g["params"]] == (
        [False] * len(others) + [True] * len(norms)
    )


def test_an_optimiser_that_cannot_follow_is_refused_and_nothing_changes(residual, trained_step):
    model = residual.fresh()
    optimizer = torch.optim.Adafactor(model.parameters(), lr=0.01)
    trained_step(model, optimizer, residual.inputs)
    before = _snapshot(model, optimizer)
    with pytest.raises(UnsupportedError, match="cannot follow a removal"):
        remove_channels(model, residual.graph, residual.remove(inner=[0]), optimizer=optimizer)
    _same(_snapshot(model, optimizer), before)


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failing_check_rolls_everything_back(residual, trained_step, failure):
    model = residual.fresh()
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    trained_step(model, optimizer, residual.inputs)
    before = _snapshot(model, optimizer)
    removal = residual.random_removal(5)
    with (  # noqa: PT012 - the body of the transaction is what fails
        pytest.raises(failure),
        channels_removed(model, residual.graph, removal, optimizer=optimizer),
    ):
        assert model.inner.out_channels != 12
        raise failure
    _same(_snapshot(model, optimizer), before)
    trained_step(model, optimizer, residual.inputs)


def test_a_stale_graph_is_refused_before_anything_changes(residual):
    model = residual.fresh()
    removal = residual.remove(inner=[0])
    remove_channels(model, residual.graph, removal)
    before = _snapshot(model)
    with pytest.raises(EdgepruneError, match="trace the network as it is now"):
        remove_channels(model, residual.graph, removal)
    _same(_snapshot(model), before)


def test_a_removal_that_does_not_fit_is_refused(residual):
    with pytest.raises(UserInputError, match="channel groups"):
        remove_channels(residual.fresh(), residual.graph, Removal((np.array([0]),)))


def test_unequal_groups_are_refused(flattened):
    """A removal that leaves a grouped convolution ragged is a fault of discovery."""
    number = flattened.group("grouped")
    group = flattened.graph.groups[number]
    ragged = tuple(
        replace(
            s,
            channel=np.arange(len(s.index)) % group.size
            if s.tensor != "grouped.weight"
            else np.sort(s.channel),
        )
        for s in group.slices
    )
    groups = list(flattened.graph.groups)
    groups[number] = replace(group, slices=ragged)
    graph = replace(flattened.graph, groups=tuple(groups))
    gone = make_removal([[0] if i == number else [] for i in range(len(groups))])
    with pytest.raises(EdgepruneError, match="must be equal"):
        remove_channels(flattened.fresh(), graph, gone)
