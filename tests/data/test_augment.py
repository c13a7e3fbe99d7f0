"""Vectorised augmentation equals what is done to one image at a time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from edgeprune.data.augment import (
    POLICIES,
    CropFlip,
    RandomResizedCropFlip,
    augmentation,
    default_policy,
)
from edgeprune.data.randomness import keyed_generator
from edgeprune.errors import UserInputError


def _one_by_one(images: Tensor, draws: Tensor, padding: int) -> Tensor:
    """Pad, crop and mirror with plain slicing."""
    out = []
    for image, (top, left, mirrored) in zip(images, draws.tolist(), strict=True):
        channels, height, width = image.shape
        canvas = image.new_zeros(channels, height + 2 * padding, width + 2 * padding)
        canvas[:, padding : padding + height, padding : padding + width] = image
        crop = canvas[:, top : top + height, left : left + width]
        out.append(crop.flip(2) if mirrored else crop)
    return torch.stack(out)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 9),
    st.sampled_from([1, 3]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_crop_flip_equals_slicing(
    count: int, channels: int, height: int, width: int, padding: int, flip: bool, floats: bool
) -> None:
    images = torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8)
    if floats:
        images = images.float()
    policy = CropFlip(padding, flip)
    draws = policy.draw(count, keyed_generator(count, height, width))
    out = policy.apply(images, draws, (height, width))
    assert out.equal(_one_by_one(images, draws, padding))
    assert out.dtype == images.dtype


def test_crop_flip_draws_every_offset_and_both_sides() -> None:
    draws = CropFlip(2, True).draw(4000, keyed_generator(0))
    for column, values in enumerate((5, 5, 2)):
        counts = torch.bincount(draws[:, column], minlength=values)
        assert len(counts) == values
        assert (counts / 4000 - 1 / values).abs().max() < 0.04


def test_shift_never_mirrors_and_moves_by_one_at_most() -> None:
    policy = augmentation("shift", (8, 8))
    draws = policy.draw(500, keyed_generator(0))
    assert set(draws[:, :2].unique().tolist()) == {0, 1, 2}
    assert not draws[:, 2].any()


def test_a_resized_crop_of_everything_is_the_image() -> None:
    images = torch.randint(0, 256, (2, 3, 10, 10), dtype=torch.uint8)
    whole = torch.tensor([[0.5, 0.5, 1, 1, 0], [0.5, 0.5, 1, 1, 1.0]])
    out = RandomResizedCropFlip().apply(images, whole, (10, 10))
    assert out[0].equal(images[0])
    assert out[1].equal(images[1].flip(2))


def test_a_resized_crop_is_the_box_it_names() -> None:
    images = torch.randint(0, 256, (1, 3, 8, 12), dtype=torch.uint8)
    # The box of columns 3 to 8 and rows 2 to 5 has its centre in the middle and half the extent.
    out = RandomResizedCropFlip().apply(images, torch.tensor([[0.5, 0.5, 0.5, 0.5, 0.0]]), (4, 6))
    assert out.equal(images[:, :, 2:6, 3:9])


def test_the_smallest_box_has_a_pixel() -> None:
    images = torch.arange(9, dtype=torch.uint8).view(1, 1, 3, 3)
    for x, value in ((0.0, 3), (0.4, 4), (1.0, 5)):
        draws = torch.tensor([[x, 0.4, 0.0, 0.0, 0.0]])
        out = RandomResizedCropFlip().apply(images, draws, (2, 2))
        assert out.eq(value).all()


def test_resized_boxes_stay_inside_and_have_the_wanted_areas() -> None:
    draws = RandomResizedCropFlip().draw(5000, keyed_generator(0))
    centre, extent = draws[:, :2], draws[:, 2:4]
    assert (centre - extent / 2).min() >= -1e-6
    assert (centre + extent / 2).max() <= 1 + 1e-6
    area = extent.prod(dim=1)
    assert 0.08 - 1e-6 <= area.min() < 0.1
    assert area.max() > 0.95
    assert abs(draws[:, 4].mean() - 0.5) < 0.03


@pytest.mark.parametrize("policy", POLICIES)
def test_part_of_the_draws_gives_part_of_the_images(policy: str) -> None:
    images = torch.randint(0, 256, (6, 3, 16, 16), dtype=torch.uint8)
    chosen = augmentation(policy, (16, 16))
    draws = chosen.draw(6, keyed_generator(0))
    whole = chosen.apply(images, draws, (16, 16))
    assert chosen.apply(images[2:5], draws[2:5], (16, 16)).equal(whole[2:5])


def test_larger_stored_images_are_cropped_to_size() -> None:
    images = torch.randint(0, 256, (4, 3, 12, 12), dtype=torch.uint8)
    for policy in POLICIES:
        chosen = augmentation(policy, (8, 8))
        out = chosen.apply(images, chosen.draw(4, keyed_generator(0)), (8, 8))
        assert out.shape == (4, 3, 8, 8)


def test_policy_by_size_and_unknown_policy() -> None:
    assert [default_policy((s, s)) for s in (8, 28, 32, 64, 224)] == [
        "shift",
        "crop-flip",
        "crop-flip",
        "crop-flip",
        "random-resized-crop-flip",
    ]
    with pytest.raises(UserInputError, match="crop-flip"):
        augmentation("cutmix", (32, 32))
