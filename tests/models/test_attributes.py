from __future__ import annotations

import pytest
import torch
from torch import nn

from edgeprune.errors import UserInputError
from edgeprune.models.attributes import apply_attributes, attributes_of
from edgeprune.models.registry import build_model
from edgeprune.models.resize import resize_parameters


def _net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, groups=1),
        nn.GroupNorm(2, 8),
        nn.Flatten(),
        nn.LayerNorm([8, 4]),
        nn.Linear(8, 5),
        nn.MultiheadAttention(8, 2),
    )


def test_attributes_name_widths_only() -> None:
    found = attributes_of(_net())
    assert found["0"] == {"in_channels": 3, "out_channels": 8, "groups": 1}
    assert found["3"] == {"normalized_shape": (8, 4)}
    assert found["5"]["head_dim"] == 4
    assert "2" not in found


def test_attributes_read_are_attributes_applied() -> None:
    net, other = _net(), _net()
    other[0].out_channels = 6
    apply_attributes(net, attributes_of(other))
    assert attributes_of(net) == attributes_of(other)


@pytest.mark.parametrize(
    ("path", "name", "value", "match"),
    [
        ("9", "out_channels", 4, "no module '9'"),
        ("0", "forward", 4, "may not be set"),
        ("0", "__class__", "x", "may not be set"),
        ("0", "stride", (2, 2), "may not be set"),
        ("4", "out_channels", 4, "does not exist"),
        ("0", "out_channels", -5, "out of range"),
        ("0", "groups", 0, "out of range"),
        ("0", "out_channels", 10**12, "out of range"),
        ("0", "out_channels", True, "bool"),
        ("0", "out_channels", 4.0, "float"),
        ("0", "out_channels", "4", "str"),
        ("3", "normalized_shape", (8, 0), "out of range"),
        ("3", "normalized_shape", (8, 4, 1), "needs 2 numbers"),
        ("3", "normalized_shape", (8, "4"), "cannot be a tuple"),
    ],
)
def test_crafted_attributes_change_nothing(path: str, name: str, value: object, match: str) -> None:
    net = _net()
    before = attributes_of(net)
    with pytest.raises(UserInputError, match=match) as caught:
        apply_attributes(net, {"0": {"out_channels": 7}, path: {name: value}})  # type: ignore[dict-item]
    assert "\n" not in str(caught.value)
    assert attributes_of(net) == before


def test_resizing_keeps_what_surgery_does_not_touch() -> None:
    net = build_model("wrn_10_1", num_classes=4)
    net.get_parameter("fc.weight").requires_grad_(False)
    kept = net.get_parameter("conv1.weight")
    state = dict(net.state_dict())
    state["fc.weight"], state["fc.bias"] = torch.ones(3, 64), torch.ones(3)
    apply_attributes(net, {"fc": {"out_features": 3}})
    resize_parameters(net, state)
    net.load_state_dict(state)
    assert net.get_parameter("conv1.weight") is kept
    assert net.get_parameter("fc.weight").shape == (3, 64)
    assert not net.get_parameter("fc.weight").requires_grad
    assert net.get_parameter("fc.bias").requires_grad


@pytest.mark.parametrize(
    ("key", "tensor", "match"),
    [
        ("0.weight", torch.ones(6, 3, 3, 3), "attributes say"),
        ("0.weight", torch.ones(8, 3, 5, 5), "attributes say"),
        ("0.weight", torch.ones(8, 27), "axes"),
        ("1.bias", torch.ones(6), "attributes say"),
        ("3.weight", torch.ones(4, 8), "attributes say"),
        ("5.in_proj_weight", torch.ones(18, 8), "attributes say"),
        ("7.weight", torch.ones(1), "unknown entries"),
    ],
)
def test_tensors_must_fit_the_attributes(key: str, tensor: torch.Tensor, match: str) -> None:
    net = _net()
    with pytest.raises(UserInputError, match=match):
        resize_parameters(net, {**net.state_dict(), key: tensor})


@pytest.mark.parametrize(
    ("path", "widths"),
    [("0", {"groups": 3}), ("1", {"num_groups": 3}), ("5", {"num_heads": 3})],
)
def test_widths_must_divide(path: str, widths: dict[str, int]) -> None:
    net = _net()
    apply_attributes(net, {path: widths})
    with pytest.raises(UserInputError, match="cannot be divided by"):
        resize_parameters(net, net.state_dict())


def test_a_missing_entry_is_named() -> None:
    net = _net()
    state = dict(net.state_dict())
    del state["4.bias"]
    with pytest.raises(UserInputError, match=r"1 missing entries \(first: 4.bias\)"):
        resize_parameters(net, state)
