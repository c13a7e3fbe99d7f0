"""Widths in a network's code are found by trying, and what does not follow stays, named."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from attention_nets import OwnWidth, half_of
from torch import Tensor, nn

from edgeprune.prune import discovery
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.equivalence import prove


class Literal(nn.Module):
    """A grouped view with its numbers written out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.second(x.view(-1, 2, 4, 5, 5).transpose(1, 2).reshape(-1, 8, 5, 5))


def test_a_view_of_literal_sizes_is_refused_with_its_reason() -> None:
    graph = find_channels(Literal(), (torch.randn(1, 3, 5, 5),))
    assert not graph.groups
    assert any("works with fixed widths" in entry.reason for entry in graph.skipped)


class Shuffle(Literal):
    """The same with sizes that follow the channels."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        n, c, h, w = x.shape
        return self.second(x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w))


def test_a_view_of_computed_sizes_is_not() -> None:
    model, inputs = Shuffle(), (torch.randn(1, 3, 5, 5),)
    graph = find_channels(model, inputs)
    assert [group.size for group in graph.groups] == [4]
    assert prove(model, graph, half_of(graph), inputs).max_rel_error <= 1e-9


class Two(nn.Module):
    """One attention with its widths computed, one with them written out, on one stream."""

    def __init__(self) -> None:
        super().__init__()
        self.good, self.bad = OwnWidth(None), OwnWidth(None)
        self.bad.forward = self._literal  # type: ignore[method-assign]

    def _literal(self, x: Tensor) -> Tensor:
        h = self.bad.embed(x)
        q, k, v = self.bad.qkv(h).reshape(2, 5, 3, 2, 6).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 5, 12)
        return self.bad.last(h + self.bad.out(mixed))

    def forward(self, x: Tensor) -> Tensor:
        return self.good(x) + self.bad(x)


def test_one_attention_that_cannot_go_does_not_hold_another_back() -> None:
    graph = find_channels(Two(), (torch.randn(2, 5, 4),))
    names = {group.name for group in graph.groups}
    assert "good.qkv" in names
    assert "bad.qkv" not in names
    assert any(s.layer == "bad.qkv" and "fixed widths" in s.reason for s in graph.skipped)


class Table(nn.Module):
    """A position network that reads a table of constants."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("places", torch.randn(5, 4))
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(self.places).relu())


def test_a_table_of_constants_is_no_channel_and_is_named() -> None:
    graph = find_channels(Table(), (torch.randn(2, 5, 3),))
    assert [group.name for group in graph.groups] == ["first"]
    assert any(s.layer == "places" and "constant" in s.reason for s in graph.skipped)


def test_what_cannot_be_tried_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("no such thing without data")

    monkeypatch.setattr(discovery, "FakeBench", failing)
    graph = find_channels(OwnWidth(None), (torch.randn(2, 5, 4),))
    assert [group.name for group in graph.groups] == ["embed"]
    assert any("could not be tried (no such thing" in s.reason for s in graph.skipped)


class Thirds(nn.Module):
    """Takes the middle third of its channels, by number or by share."""

    def __init__(self, by_share: bool) -> None:
        super().__init__()
        self.by_share = by_share
        self.first, self.second = nn.Linear(4, 12), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        part = x.shape[1] // 3 if self.by_share else 4
        return self.second(x[:, part : 2 * part] if self.by_share else x[:, 4:8])


def test_a_slice_by_share_is_followed_and_one_by_number_is_not() -> None:
    inputs = (torch.randn(2, 4),)
    model = Thirds(by_share=True)
    graph = find_channels(model, inputs)
    assert [group.size for group in graph.groups] == [4]
    assert prove(model, graph, half_of(graph), inputs).max_rel_error <= 1e-9
    graph = find_channels(Thirds(by_share=False), inputs)
    assert not graph.groups
    assert any("taking" in entry.reason or "fixed" in entry.reason for entry in graph.skipped)
