"""Specs and options that do not exist."""

from __future__ import annotations

import sys

import pytest

from edgeprune.data import load_data
from edgeprune.errors import UnsupportedError, UserInputError


@pytest.mark.parametrize(
    "spec",
    ["", "mnist", "digits:x", "cifar10", "cifar100:", "imagefolder", "imagefolder:", "a b:c", ":f"],
)
def test_unknown_specs_name_the_known(spec: str) -> None:
    with pytest.raises(UserInputError, match="imagefolder:DIR_OR_TAR"):
        load_data(spec, seed=0)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"image_size": 0}, "image_size"),
        ({"augment": "mixup"}, "random-resized-crop-flip"),
        ({"val_fraction": 1.0}, "val_fraction"),
        ({"train_limit": 0}, "train_limit"),
    ],
)
def test_unusable_options_are_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(UserInputError, match=named):
        load_data("digits", seed=0, **options)  # type: ignore[arg-type]


def test_digits_without_scikit_learn_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UnsupportedError, match=r"edgeprune\[demo\]"):
        load_data("digits", seed=0)
