"""Projection onto the 2:4 pattern, and the check that finds where it is missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.prune.two_to_four import check_two_to_four, largest_two_of_four, two_to_four_masks

_SHAPES = st.sampled_from([(3, 4), (2, 12), (1, 8, 1, 1), (2, 4, 3, 3), (3, 8, 3, 1)])
# Few different values, so that ties are common.
_VALUES = st.one_of(st.integers(-2, 2).map(float), st.floats(-1e3, 1e3, width=32))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), shape=_SHAPES, channels_last=st.booleans())
def test_the_two_largest_of_four_input_channels_stay(
    data: st.DataObject, shape: tuple[int, ...], channels_last: bool
) -> None:
    weight = data.draw(arrays.arrays(np.float32, shape, elements=_VALUES))
    tensor = torch.from_numpy(weight.copy())
    if channels_last and tensor.dim() == 4:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    keep = largest_two_of_four(tensor)
    assert keep.shape == tensor.shape
    mask = keep.numpy()
    for place in np.ndindex(shape[0], *shape[2:]):
        at = (place[0], slice(None), *place[1:])
        for start in range(0, shape[1], 4):
            kept, values = mask[at][start : start + 4], np.abs(weight[at][start : start + 4])
            assert kept.sum() == 2
            assert values[kept].min() >= values[~kept].max()
    projected = tensor * keep
    assert torch.equal(projected * largest_two_of_four(projected), projected)


def test_of_equals_the_first_stay() -> None:
    keep = largest_two_of_four(torch.ones(1, 8))
    assert keep.tolist() == [[True, True, False, False] * 2]


class _Kinds(nn.Module):
    """A layer for every reason to be left out, and three that can have the pattern."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, 8, 3)
        self.plain = nn.Conv2d(8, 6, 3)
        self.odd = nn.Conv2d(6, 8, 3)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)
        self.grouped = nn.Conv2d(8, 8, 3, groups=2)
        self.up = nn.ConvTranspose2d(8, 8, 2)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))
        self.hidden = nn.Linear(8, 12)
        self.tied = nn.Linear(8, 12)
        self.tied.weight = self.hidden.weight
        self.bn = nn.BatchNorm2d(8)


_REASONS = {
    "stem": "reads the images",
    "odd": "takes 6 channels, which is not a multiple of 4",
    "depthwise": "is a convolution of 8 groups",
    "grouped": "is a convolution of 2 groups",
    "up": "is a ConvTranspose2d",
    "normed": "computes its weight from others",
}


def test_masks_give_the_pattern_and_the_check_says_who_has_it() -> None:
    model = _Kinds()
    before = check_two_to_four(model, ("stem",))
    assert (before.sparse, before.broken) == ((), ("plain", "hidden", "tied"))
    dense = {name: p.detach().clone() for name, p in model.named_parameters()}
    masks = two_to_four_masks(model, ("stem",))
    masks.apply(model)
    after = check_two_to_four(model, ("stem",))
    assert (after.sparse, after.broken) == (("plain", "hidden", "tied"), ())
    assert after.left_out == _REASONS
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, dense[n])}
    assert changed == {"plain.weight", "hidden.weight"}
    halved = model.plain.weight.numel() + model.hidden.weight.numel()
    assert masks.held == halved // 2
    covered = [m.weight for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert masks.sparsity < masks.held / halved  # layers that stay dense count as well
    assert masks.size > sum(w.numel() for w in covered[:2])


def test_one_weight_too_many_is_found() -> None:
    model = nn.Sequential(nn.Conv2d(8, 8, 3), nn.Linear(8, 4))
    two_to_four_masks(model).apply(model)
    assert check_two_to_four(model).broken == ()
    with torch.no_grad():
        place = (model[0].weight[5, 4:8, 1, 2] == 0).nonzero()[0]
        model[0].weight[5, 4 + place, 1, 2] = 1e-30
    assert check_two_to_four(model).broken == ("0",)
    assert check_two_to_four(model).sparse == ("1",)


def test_fewer_than_two_are_fine() -> None:
    model = nn.Linear(8, 4)
    with torch.no_grad():
        model.weight.zero_()
    assert check_two_to_four(model).sparse == ("",)


def test_no_layer_at_all_is_said_with_the_reasons() -> None:
    model = nn.Sequential(nn.Conv2d(4, 6, 3), nn.Conv2d(6, 6, 3, groups=6), nn.Linear(6, 2))
    with pytest.raises(UserInputError, match=r"0 reads the images, 1 is a .*6 groups, 2 takes 6"):
        two_to_four_masks(model, ("0",))
    with pytest.raises(UserInputError, match="there is none"):
        two_to_four_masks(nn.ReLU())
