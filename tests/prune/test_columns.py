"""Masks that hold whole columns, as the sparse kernels store them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from edgeprune.device.sparse import pack
from edgeprune.prune.columns import columns_of
from edgeprune.prune.masks import MaskSet


def network(seed: int = 0) -> nn.Sequential:
    """Plain, grouped, and with output channels that 4 does not divide."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 12, 3, groups=2), nn.Conv2d(12, 10, 1), nn.Linear(10, 7)
    )


@given(st.integers(1, 20), st.integers(1, 4), st.sampled_from([4, 8, 32]), st.integers(1, 3))
def test_columns_are_those_of_the_packer(
    each: int, inputs: int, vector: int, conv_groups: int
) -> None:
    weight = torch.ones(each * conv_groups, inputs, 2, 2)
    columns = columns_of(weight, vector, conv_groups)
    packed = pack(weight.numpy(), vector=vector, channel_tile=inputs, conv_groups=conv_groups)
    assert len(columns.sizes) == packed.columns
    assert columns.sizes.sum() == weight.numel()
    assert columns.sizes.max() == min(vector, each)


@settings(deadline=None)
@given(st.floats(0.0, 1.0), st.sampled_from([4, 8, 32]), st.integers(0, 3))
def test_whole_columns_are_held_and_the_share_is_met(
    density: float, vector: int, seed: int
) -> None:
    model = network(seed)
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, density, vector)
    masks.apply(model)
    free = masks.size - masks.held
    # At most a column more than asked for, and the largest column of each layer in any case.
    assert free >= round(density * masks.size)
    assert free <= max(round(density * masks.size) + vector, 4 * vector)
    for name, module in model.named_children():
        groups = getattr(module, "groups", 1)
        columns = columns_of(module.weight, vector, groups)
        gone = ~masks.state_dict()[f"{name}.weight"]
        held = torch.zeros(len(columns.sizes)).index_add_(
            0, columns.number.flatten(), gone.float().flatten()
        )
        assert ((held == 0) | (held == columns.sizes)).all()
        assert not gone.all()


def test_what_is_held_stays_held() -> None:
    model = network()
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.5, 4)
    before = masks.state_dict()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    masks.shrink_to(model, 0.2, 4)
    after = masks.state_dict()
    assert all((before[name] | ~after[name]).all() for name in before)
    assert masks.sparsity == pytest.approx(0.8, abs=0.02)


def test_the_smallest_columns_go() -> None:
    model = nn.Sequential(nn.Conv2d(2, 4, 1, bias=False))
    with torch.no_grad():
        model[0].weight[:, 0] = 1.0
        model[0].weight[:, 1] = torch.tensor([3.0, 0.0, 0.0, 0.0]).view(4, 1, 1)
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.5, 4)
    kept = masks.state_dict()["0.weight"]
    # Four ones weigh 4, one three weighs 9.
    assert not kept[:, 0].any()
    assert kept[:, 1].all()


def test_shuffling_keeps_columns_whole_and_counts_equal() -> None:
    model = network()
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.3, 4)
    mixed = masks.shuffled(model, np.random.default_rng(0), 4)
    assert mixed.held == masks.held
    moved = False
    for name, kept in mixed.state_dict().items():
        groups = 2 if name.startswith("1") else 1
        columns = columns_of(dict(model.named_parameters())[name], 4, groups)
        held = torch.zeros(len(columns.sizes)).index_add_(
            0, columns.number.flatten(), (~kept).float().flatten()
        )
        assert ((held == 0) | (held == columns.sizes)).all()
        moved |= not torch.equal(kept, masks.state_dict()[name])
    assert moved


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.02, 1.0), min_size=1, max_size=3), st.integers(0, 3))
def test_the_tensor_cores_lists_go_in_eights(densities: list[float], seed: int) -> None:
    """Of convolutions with whole groups of 32; depthwise and linear layers are not theirs."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 40, 3), nn.Conv2d(40, 64, 3, groups=2), nn.Conv2d(64, 64, 3, groups=64),
        nn.Linear(64, 32),
    )  # fmt: skip
    masks = MaskSet.for_weights(model)
    for density in sorted(densities, reverse=True):
        masks.shrink_to(model, density, 32)
        free = masks.size - masks.held
        assert round(density * masks.size) <= free <= round(density * masks.size) + 8 * 32
    for taken in (masks, masks.shuffled(model, np.random.default_rng(seed), 32)):
        counts = {}
        for name, kept in taken.state_dict().items():
            groups = {"1.weight": 2, "2.weight": 64}.get(name, 1)
            columns = columns_of(kept, 32, groups)
            first = kept.new_zeros(len(columns.sizes)).index_put_(
                (columns.number.flatten(),), kept.flatten()
            )
            counts[name] = first.view(-1, columns.of_list).sum(1)
        for name in ("0.weight", "1.weight"):
            whole = counts[name] == columns_of(dict(model.named_parameters())[name], 32).of_list
            assert ((counts[name] % 8 == 0) | whole).all()
            assert counts[name].max() >= 8


def test_packing_a_vector_mask_wastes_nothing() -> None:
    model = network()
    masks = MaskSet.for_weights(model)
    masks.shrink_to(model, 0.2, 4)
    masks.apply(model)
    weight = model[0].weight.detach().numpy()
    together = pack(weight, vector=4, channel_tile=3)
    assert together.val.size == np.count_nonzero(weight)
