"""Masks: monotone, exact in number, kept through training, and equal to removal."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.prune.masks import MaskSet
from edgeprune.prune.surgery import remove_channels


def _zeros(model, masks):
    return {name: model.get_parameter(name) == 0 for name in masks.state_dict()}


@settings(max_examples=10, deadline=None)
@given(densities=st.lists(st.floats(0.02, 1.0), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_density_is_exact_and_masks_only_grow(subjects, densities, seed):
    model = subjects["residual"].fresh()
    masks = MaskSet.for_weights(model)
    rng = torch.Generator().manual_seed(seed)
    lowest, before = 1.0, _zeros(model, masks)
    for density in densities:
        masks.shrink_to(model, density)
        masks.apply(model)
        lowest = min(lowest, density)
        assert masks.size - masks.held == round(lowest * masks.size)
        after = _zeros(model, masks)
        assert all((after[name] | ~before[name]).all() for name in before)
        before = after
        with torch.no_grad():  # as if trained: magnitudes change, also of masked weights
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=rng))
        masks.apply(model)


def test_the_smallest_weights_of_all_layers_go(residual):
    model = residual.fresh()
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.5)
    keep = masks.state_dict()
    weights = {n: p.detach().abs() for n, p in model.named_parameters()}
    held = torch.cat([weights[n][~k] for n, k in keep.items()])
    free = torch.cat([weights[n][k] for n, k in keep.items()])
    assert held.max() <= free.min()
    assert masks.sparsity == pytest.approx(0.5, abs=1e-3)


def test_only_convolutions_and_linear_layers_are_covered(residual):
    names = set(MaskSet.for_weights(residual.fresh()).state_dict())
    assert names == {f"{n}.weight" for n in
                     ("stem", "inner", "outer", "depthwise", "project", "fc")}  # fmt: skip


def test_ties_are_settled_in_order():
    model = nn.Linear(10, 2, bias=False)
    nn.init.ones_(model.weight)
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.5)
    keep = masks.state_dict()["weight"].flatten()
    assert keep[0]  # the first of the largest is never held
    assert (~keep).nonzero().flatten().tolist() == list(range(1, 11))


def test_no_layer_is_cut_off(residual):
    model = residual.fresh()
    with torch.no_grad():
        model.inner.weight.mul_(1e-6)
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.0)
    assert all(keep.sum() == 1 for keep in masks.state_dict().values())


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_masked_weights_and_moments_stay_zero_through_training(residual, trained_step, kind):
    model = residual.fresh()
    options = {"momentum": 0.9} if kind is torch.optim.SGD else {}
    optimizer = kind(model.parameters(), lr=0.05, weight_decay=0.01, **options)
    trained_step(model, optimizer, residual.inputs)
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.3)
    masks.apply(model, optimizer)
    for _ in range(3):
        trained_step(model, optimizer, residual.inputs)
        masks.apply(model, optimizer)
    for name, keep in masks.state_dict().items():
        parameter = model.get_parameter(name)
        assert not parameter[~keep].any()
        assert parameter[keep].any()
        for value in optimizer.state[parameter].values():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                assert not value[~keep].any()


@pytest.mark.parametrize("name", ["residual", "flattened"])
@pytest.mark.parametrize("training", [False, True])
def test_a_masked_channel_is_a_removed_channel(subjects, name, training):
    subject = subjects[name]
    removal = subject.random_removal(2)
    masked, smaller = subject.fresh().double(), subject.fresh().double()
    inputs = tuple(value.double() for value in subject.inputs)
    for model in (masked, smaller):
        for parameter in model.parameters():  # norm shifts that would leak through a ReLU
            torch.manual_seed(parameter.numel())
            nn.init.uniform_(parameter, 0.1, 0.5)
        model.train(training)
    MaskSet.for_channels(masked, subject.graph, removal).apply(masked)
    remove_channels(smaller, subject.graph, removal)
    torch.testing.assert_close(masked(*inputs), smaller(*inputs), rtol=1e-12, atol=1e-12)


def test_channels_are_held_on_top_of_each_other(residual):
    model = residual.fresh()
    masks = MaskSet.for_channels(model, residual.graph, residual.remove(inner=[0]))
    first = masks.held
    masks.hold_channels(residual.graph, residual.remove(inner=[3], stem=[1]))
    assert masks.held > first
    masks.apply(model)
    assert not model.inner.weight[[0, 3]].any()
    assert not model.inner_bn.bias[[0, 3]].any()
    assert not model.inner_bn.weight[[0, 3]].any()
    assert not model.stem.weight[1].any()


def test_plain_tensors_bring_masks_back(residual):
    model = residual.fresh()
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.4)
    stream = io.BytesIO()
    torch.save(masks.state_dict(), stream)
    stream.seek(0)
    again = MaskSet.from_state_dict(torch.load(stream, weights_only=True))
    assert again.sparsity == masks.sparsity
    for name, keep in masks.state_dict().items():
        assert torch.equal(again.state_dict()[name], keep)


def test_shuffled_masks_hold_as_many_weights_elsewhere(residual):
    model = residual.fresh()
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.4)
    other = masks.shuffled(model, np.random.default_rng(0))
    for (name, keep), (_, moved) in zip(
        masks.state_dict().items(), other.state_dict().items(), strict=True
    ):
        assert keep.sum() == moved.sum(), name
    assert any(
        not torch.equal(keep, other.state_dict()[name]) for name, keep in masks.state_dict().items()
    )


def test_layout_does_not_matter(residual):
    plain, last = residual.fresh(), residual.fresh().to(memory_format=torch.channels_last)
    kept = []
    for model in (plain, last):
        masks = MaskSet.for_weights(model)
        masks.shrink_to(model, 0.3)
        kept.append(masks.state_dict())
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])


def test_masks_of_another_network_are_refused(residual, flattened):
    masks = MaskSet.for_weights(residual.fresh())
    with pytest.raises(UserInputError, match="has no"):
        masks.apply(flattened.fresh())
    with pytest.raises(UserInputError, match="density"):
        masks.shrink_to(residual.fresh(), 1.5)
