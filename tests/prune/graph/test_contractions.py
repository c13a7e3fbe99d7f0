"""Linear layers, matrix products, einsum, attention."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeprune.prune.graph import trace_channels


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 5, 4)], ids=str)
def test_linear_of_any_rank(sizes, shape: tuple[int, ...]) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    graph = trace_channels(model, (torch.randn(shape),))
    assert sizes(graph) == {"0": 8}
    assert {cost.positions for cost in graph.layers} == {int(torch.Size(shape[:-1]).numel())}


class Products(nn.Module):
    """Two bare matrices with a product of the test's choice."""

    def __init__(self, product: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.up = nn.Parameter(torch.randn(4, 8))
        self.down = nn.Parameter(torch.randn(8, 3))
        self.offset = nn.Parameter(torch.randn(8))
        self.product = product

    def forward(self, x: Tensor) -> Tensor:
        return self.product(self.product(x, self.up).relu() + self.offset, self.down)


@pytest.mark.parametrize(
    "product",
    [
        torch.matmul,
        torch.mm,
        lambda x, w: torch.einsum("bi,io->bo", x, w),
        lambda x, w: F.linear(x, w.t()),
        lambda x, w: torch.addmm(x.new_ones(()), x, w),
        lambda x, w: torch.bmm(x[None], w[None])[0],
    ],
    ids=["matmul", "mm", "einsum", "transposed", "addmm", "bmm"],
)
def test_products_with_a_parameter(assert_exact, sizes, product) -> None:
    graph = assert_exact(Products(product), torch.randn(2, 4))
    assert sizes(graph) == {"up": 8}
    assert [(cost.weight, cost.positions) for cost in graph.layers] == [("up", 2), ("down", 2)]


class LowRank(nn.Module):
    """A weight that is the product of two."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Parameter(torch.randn(5, 6)), nn.Parameter(torch.randn(6, 4))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.left @ self.right)


def test_the_rank_of_a_factored_weight(assert_exact, sizes) -> None:
    assert sizes(assert_exact(LowRank(), torch.randn(2, 4))) == {"left": 6}


class Gram(nn.Module):
    """Channels of one activation against those of another."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 8), nn.Linear(4, 8)
        self.last = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.left(x) @ self.right(x).mT)


def test_channels_that_two_activations_share_go_from_both(assert_exact, sizes) -> None:
    assert sizes(assert_exact(Gram(), torch.randn(1, 5, 4))) == {"left": 8}


def test_einsum_with_an_ellipsis_is_left_alone(reasons) -> None:
    model = Products(lambda x, w: torch.einsum("...i,io->...o", x, w))
    graph = trace_channels(model, (torch.randn(2, 4),))
    assert not graph.groups
    assert "is not followed" in reasons(graph)["up"]


class Attention(nn.Module):
    """Fused projection, two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 6)
        self.last = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        n, t, _ = x.shape
        qkv = self.qkv(self.embed(x)).reshape(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        return self.last(self.out(mixed.transpose(1, 2).reshape(n, t, 8)))


def test_widths_that_are_written_out_stay(assert_exact, sizes, reasons) -> None:
    graph = assert_exact(Attention(), torch.randn(1, 5, 4))
    assert sizes(graph) == {"embed": 8, "out": 6}
    assert "works with fixed widths" in reasons(graph)["qkv"]


class Separate(nn.Module):
    """The value has a width of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(4, 8)
        self.last = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(
            F.scaled_dot_product_attention(
                self.query(x)[:, None], self.key(x)[:, None], self.value(x)[:, None]
            )[:, 0]
        )


def test_values_have_a_width_of_their_own(assert_exact, sizes) -> None:
    assert sizes(assert_exact(Separate(), torch.randn(1, 5, 4))) == {"query": 6, "value": 8}
