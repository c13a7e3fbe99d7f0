"""Normalisation, and the plain form that travels in checkpoints."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.errors import UserInputError

_RGB = Preprocessing((0.5, 0.4, 0.3), (0.2, 0.25, 0.3), (4, 6), 3)


def test_normalises_as_defined_and_in_channels_last() -> None:
    images = torch.randint(0, 256, (5, 3, 4, 6), dtype=torch.uint8)
    out = _RGB.normalise(images)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (_RGB.mean, _RGB.std))
    torch.testing.assert_close(out, (images / 255 - mean) / std)
    assert out.dtype == torch.float32
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_one_channel_is_channels_last_to_a_convolution() -> None:
    images = torch.randint(0, 256, (5, 1, 4, 6), dtype=torch.uint8)
    out = Preprocessing((0.5,), (0.2,), (4, 6), 1).normalise(images)
    torch.testing.assert_close(out, (images / 255 - 0.5) / 0.2)
    found = torch.nn.Conv2d(1, 2, 3)(out)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_does_not_change_its_argument() -> None:
    images = torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)
    out = Preprocessing((0.0,), (1.0,), (2, 2), 1).normalise(images)
    assert out.eq(1).all()
    assert images.eq(255).all()


def test_float_images_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        _RGB.normalise(torch.rand(1, 3, 4, 6))


_UNIT = st.floats(0.01, 1, allow_nan=False)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_UNIT, _UNIT), min_size=1, max_size=4), st.integers(1, 999))
def test_survives_json(stats: list[tuple[float, float]], side: int) -> None:
    mean, std = zip(*stats, strict=True)
    made = Preprocessing(mean, std, (side, side + 1), len(stats))
    assert Preprocessing.from_dict(json.loads(json.dumps(made.as_dict()))) == made


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"std": [0.2, 0.0, 0.3]}, "std"),
        ({"std": [0.2, float("nan"), 0.3]}, "std"),
        ({"mean": [0.5]}, "channels"),
        ({"mean": "abc"}, "mean"),
        ({"mean": [True, 0.1, 0.1]}, "mean"),
        ({"image_size": [4]}, "image_size"),
        ({"image_size": [0, 6]}, "size"),
        ({"image_size": [4.5, 6]}, "image_size"),
        ({"channels": "3"}, "channels"),
        ({"surplus": 1}, "surplus"),
    ],
)
def test_unusable_values_are_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(UserInputError, match=named) as caught:
        Preprocessing.from_dict({**_RGB.as_dict(), **change})
    assert "\n" not in str(caught.value)


def test_missing_key_is_named() -> None:
    with pytest.raises(UserInputError, match="std"):
        Preprocessing.from_dict({"mean": [0.5], "image_size": [2, 2], "channels": 1})
