"""Reshapes, shuffles, parts of an axis."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from edgeprune.prune.discovery import find_channels
from edgeprune.prune.graph import trace_channels


class Around(nn.Module):
    """A convolution, something in between, a convolution."""

    def __init__(self, between: Callable[[Tensor], Tensor], width: int, then: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 1)
        self.between = between
        self.last = nn.Conv2d(then, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.between(self.first(x)))


def test_flatten_gives_a_channel_all_its_places(assert_exact, sizes) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 9, 5)
    )
    graph = assert_exact(model, torch.randn(1, 3, 8, 8))
    assert sizes(graph) == {"0": 8}
    (linear,) = (s for s in graph.groups[0].slices if s.tensor == "4.weight")
    assert linear.channel.tolist() == [c for c in range(8) for _ in range(9)]


def _shuffle(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 3, c // 3, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


@pytest.mark.parametrize("between", [_shuffle, nn.ChannelShuffle(3)], ids=["view", "op"])
def test_channel_shuffle_loses_equal_offsets(assert_exact, sizes, between) -> None:
    assert sizes(assert_exact(Around(between, 12, 12), torch.randn(1, 3, 4, 4))) == {"first": 4}


def test_pixel_shuffle_takes_all_subpixels(assert_exact, sizes) -> None:
    graph = assert_exact(Around(nn.PixelShuffle(2), 24, 6), torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"first": 6}
    (weight,) = (s for s in graph.groups[0].slices if s.tensor == "first.weight")
    assert weight.channel.tolist() == [c for c in range(6) for _ in range(4)]


def test_pixel_unshuffle(assert_exact, sizes) -> None:
    graph = assert_exact(Around(nn.PixelUnshuffle(2), 6, 24), torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"first": 6}


@pytest.mark.parametrize(
    "between",
    [
        lambda x: x.permute(0, 2, 3, 1).flatten(1, 2).transpose(1, 2).unflatten(2, (4, 4)),
        lambda x: x.flip(1),
        lambda x: x.unsqueeze(2).squeeze(2).expand_as(x).clone(),
        lambda x: x[:, :, 1:, ::2].roll(1, dims=2)[:, :, :, :],
        lambda x: x.to(torch.float64).type_as(x).contiguous(),
    ],
    ids=["permute", "flip", "squeeze", "spatial", "cast"],
)
def test_moves_that_keep_channels_whole(assert_exact, sizes, between) -> None:
    graph = assert_exact(Around(between, 8, 8), torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"first": 8}


def test_repeat_gives_a_channel_several_places(assert_exact, sizes) -> None:
    graph = assert_exact(Around(lambda x: x.repeat(1, 2, 1, 1), 6, 12), torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"first": 6}


class ChunkConcat(nn.Module):
    """YOLOv8's C2f: half of the channels go through a bottleneck, everything is concatenated."""

    def __init__(self, cut: Callable[[Tensor], tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.cut = cut
        self.first = nn.Conv2d(3, 12, 1)
        self.inner = nn.Conv2d(6, 6, 3, padding=1)
        self.last = nn.Conv2d(18, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.cut(self.first(x))
        return self.last(torch.cat([left, right, right + self.inner(right)], 1))


@pytest.mark.parametrize(
    "cut",
    [
        lambda x: x.chunk(2, 1),
        lambda x: x.split(x.shape[1] // 2, 1),
        lambda x: x.split([x.shape[1] // 2] * 2, 1),
        lambda x: x.tensor_split(2, dim=1),
    ],
    ids=["chunk", "split", "split_list", "tensor_split"],
)
def test_equal_parts_lose_equal_offsets(assert_exact, sizes, cut) -> None:
    graph = assert_exact(ChunkConcat(cut), torch.randn(1, 3, 6, 6))
    assert sizes(graph) == {"first": 6}


def test_gated_linear_unit(assert_exact, sizes) -> None:
    graph = assert_exact(Around(nn.GLU(1), 12, 6), torch.randn(1, 3, 4, 4))
    assert sizes(graph) == {"first": 6}


@pytest.mark.parametrize(
    ("between", "words"),
    [
        (lambda x: torch.cat(x.split([2, 6], 1), 1), "cuts its channels at fixed numbers"),
        (lambda x: x[:, :4].repeat(1, 2, 1, 1), "works with fixed widths"),
        (lambda x: torch.cat([x[:, :0], x[:, 1:5], x[:, 3:7]], 1), "by fixed numbers"),
        (lambda x: x[:, 1:4].repeat(1, 3, 1, 1)[:, 1:], "by fixed numbers"),
        (lambda x: x.narrow(1, 2, 4).repeat(1, 2, 1, 1), "by fixed numbers"),
        (lambda x: x[:, torch.tensor([7, 6, 5, 4, 3, 2, 1, 0])], "by fixed numbers"),
        (lambda x: x.roll(1, dims=1), "by fixed numbers"),
        (lambda x: torch.stack(x.unbind(1), 1), "makes one tensor of each"),
        (lambda x: x.select(1, 3)[:, None].expand(-1, 8, -1, -1), "by fixed numbers"),
    ],
    ids=["split", "half", "empty", "slice", "narrow", "index", "roll", "unbind", "select"],
)
def test_positions_by_number_keep_the_width(reasons, between, words: str) -> None:
    graph = find_channels(Around(between, 8, 8), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert words in reasons(graph)["first"]


def test_a_view_as_other_bytes_is_left_alone(reasons) -> None:
    def as_bytes(x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).contiguous().view(torch.int16).permute(0, 3, 1, 2).float()

    graph = trace_channels(Around(as_bytes, 8, 16), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "reads its bytes" in reasons(graph)["first"]


def test_merging_two_widths_keeps_one_of_them(reasons) -> None:
    class Outer(nn.Module):
        """Channels of one layer times channels of another, as one axis."""

        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(3, 4), nn.Linear(3, 6)
            self.last = nn.Linear(24, 2)

        def forward(self, x: Tensor) -> Tensor:
            pairs = self.left(x)[:, :, None] * self.right(x)[:, None, :]
            return self.last(pairs.flatten(1))

    graph = trace_channels(Outer(), (torch.randn(2, 3),))
    assert [group.name for group in graph.groups] == ["left"]
    assert "a reshape mixes its channels" in reasons(graph)["right"]


def _pixel_shuffle_by_hand(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(n, c // 4, 2 * h, 2 * w)


def test_parts_of_fixed_size_at_the_end_are_not_guessed(reasons) -> None:
    graph = trace_channels(Around(_pixel_shuffle_by_hand, 24, 6), (torch.randn(1, 3, 4, 4),))
    assert not graph.groups
    assert "parts of fixed size" in reasons(graph)["first"]
