"""What a node carries is what it was made of, and damage is noticed before a kernel sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from sparse_convs import sparse_convs

from edgeprune.device.sparse import VcsrError, pack
from edgeprune.device.sparse.node import SparseConv2d


def _same(one: object, other: object) -> None:
    for field in fields(one):  # type: ignore[arg-type]
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "weight":
            _same(a, b)
        else:
            np.testing.assert_array_equal(a, b)
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


@given(sparse_convs())
def test_attributes_hold_all(case: tuple[SparseConv2d, Any, Any]) -> None:
    conv = case[0]
    given_ = conv.as_attributes()
    assert given_["off"].dtype == np.int32  # TensorRT's parser reads no 16-bit integers
    assert ("bias" in given_) == (conv.bias is not None)
    assert ("clip_low" in given_) == ("clip_high" in given_) == (conv.activation == "clip")
    assert (given_["plugin_version"], given_["plugin_namespace"]) == ("1", "edgeprune")
    _same(SparseConv2d.from_attributes(given_), conv)


def _conv() -> SparseConv2d:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((8, 10, 3, 3)).astype(np.float32)
    weight[rng.random(weight.shape) < 0.8] = 0
    return SparseConv2d(
        pack(weight, vector=2, channel_tile=4), np.zeros(8, np.float32), pads=(1, 1, 1, 1)
    )


def _changed(name: str, place: int, value: int) -> Callable[[dict[str, Any]], None]:
    def change(given_: dict[str, Any]) -> None:
        given_[name] = given_[name].copy()
        given_[name][place] = value

    return change


def _offset(place: int, value: int) -> Callable[[dict[str, Any]], None]:
    """Another offset, of those that its words hold."""

    def change(given_: dict[str, Any]) -> None:
        count = int(given_["seg"][-1])
        words = given_["off"].copy()
        words.view(np.uint16)[:count][place] = value
        given_["off"] = words

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_offset(3, 4 * 9), "outside of its tile"),
        # The last tile has 2 channels: an offset that the others could have is too far there.
        (_offset(-1, 2 * 9), "outside of its tile"),
        (_offset(0, 0xFFFF), "outside of its tile"),
        (lambda g: g.update(off=g["off"].view(np.int16)), "off is int16, not int32"),
        (lambda g: g.update(off=g["off"][:-1]), "segments"),
        (_changed("seg", 1, 10_000), "segments"),
        (_changed("seg", 0, -4), "segments"),
        (_changed("seg", -1, 7), "segments"),
        (_changed("perm", 0, 9), "does not order the 4 groups"),
        (lambda g: g.update(val=g["val"][:-2]), "values for"),
        (lambda g: g.update(val=g["val"][:-1]), "export the model again"),
        (lambda g: g.update(val=g["val"].astype(np.float64)), "'val' is float64"),
        (lambda g: g.update(seg=g["seg"].astype(np.int64)), "'seg' is int64"),
        (lambda g: g.pop("off"), "without 'off'"),
        (lambda g: g.update(vector=0), "V 0"),
        (lambda g: g.update(vector=16), "V 16"),
        (lambda g: g.update(channel_tile=0), "CT 0"),
        (lambda g: g.update(shape=[8, 10, 3]), "3 numbers where 4 belong"),
        (lambda g: g.update(shape=[8, 0, 3, 3]), "four sizes of 1 or more"),
        (lambda g: g.update(group=3), "do not make 3 groups"),
        (lambda g: g.update(strides=[0, 1]), "strides (0, 1)"),
        (lambda g: g.update(pads=[0, 0, -1, 0]), "pads of 0 or more"),
        (lambda g: g.update(activation="tanh"), "use none, relu, clip"),
        (lambda g: g.update(bias=np.zeros(7, np.float32)), "for 8 output channels"),
    ],
)
def test_damage_is_told(damage: Callable[[dict[str, Any]], None], said: str) -> None:
    given_ = _conv().as_attributes()
    damage(given_)
    with pytest.raises(VcsrError) as told:
        SparseConv2d.from_attributes(given_)
    assert said in str(told.value)
