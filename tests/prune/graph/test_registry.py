"""Operations nobody has described, and users' own rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.prune.graph import (
    Call,
    Context,
    Labels,
    register_rule,
    trace_channels,
    unregister_rule,
)


@torch.library.custom_op("edgeprune_test::scale", mutates_args=())
def scale(x: Tensor, gain: Tensor) -> Tensor:
    """A user's own operation: every channel times its gain."""
    return x * gain[:, None, None]


@scale.register_fake
def _(x: Tensor, gain: Tensor) -> Tensor:
    return torch.empty_like(x * gain[0])


class Custom(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.gain = nn.Parameter(torch.randn(8))
        self.last = nn.Conv2d(8, 6, 1)
        self.head = nn.Conv2d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.ops.edgeprune_test.scale(self.first(x), self.gain)
        return self.head(self.last(x))


def _rule(context: Context, call: Call) -> Labels:
    x: Labels = call.args["x"]
    context.unite(x.vector(1), call.args["gain"].vector(0))
    return x


@pytest.fixture
def ruled() -> Iterator[None]:
    register_rule("edgeprune_test::scale", _rule)
    yield
    unregister_rule(torch.ops.edgeprune_test.scale)


def test_an_unknown_operation_protects_what_it_touches(sizes, reasons) -> None:
    graph = trace_channels(Custom(), (torch.randn(1, 3, 4, 4),))
    assert sizes(graph) == {"last": 6}
    for layer in ("first", "gain"):
        assert "it meets the operation scale, for which there is no rule" in reasons(graph)[layer]


@pytest.mark.usefixtures("ruled")
def test_a_users_rule_opens_it(sizes) -> None:
    graph = trace_channels(Custom(), (torch.randn(1, 3, 4, 4),))
    assert sizes(graph) == {"first": 8, "last": 6}
    assert "gain" in {s.tensor for s in graph.groups[0].slices}


def test_a_users_rule_may_replace_ours_and_be_taken_back(sizes) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1))

    def stays(context: Context, call: Call) -> Labels:
        x = next(call.labels())
        return context.fix(x, [1], "my wish")

    register_rule(torch.ops.aten.relu, stays)
    try:
        graph = trace_channels(model, (torch.randn(1, 3, 4, 4),))
    finally:
        unregister_rule(torch.ops.aten.relu.default)
    assert [s.reason for s in graph.skipped if s.layer == "0"] == ["my wish"]
    assert sizes(trace_channels(model, (torch.randn(1, 3, 4, 4),))) == {"0": 8}


def test_a_rule_for_no_operation_is_refused() -> None:
    with pytest.raises(UserInputError, match="is not an operation"):
        register_rule("relu", _rule)


@torch.library.custom_op("edgeprune_test::watch", mutates_args=("x",))
def watch(x: Tensor) -> None:
    """An operation that changes its operand and returns nothing."""
    x.mul_(torch.arange(x.shape[1], dtype=x.dtype)[:, None, None])


class Watched(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        torch.ops.edgeprune_test.watch(x)
        return self.last(x)


def test_an_unknown_operation_without_a_result_protects_too(reasons) -> None:
    graph = trace_channels(Watched(), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "the operation watch" in reasons(graph)["first"]
