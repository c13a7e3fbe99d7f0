"""Tables and recurrent layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from edgeprune.prune.discovery import find_channels


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 8)
        self.places = nn.Parameter(torch.randn(1, 5, 8))
        self.last = nn.Linear(8, 3)

    def forward(self, index: Tensor) -> Tensor:
        return self.last((self.words(index) + self.places).mean(1))


def test_embedding_loses_columns_not_rows(assert_exact, sizes) -> None:
    graph = assert_exact(Words(), torch.randint(10, (1, 5)))
    assert sizes(graph) == {"words": 8}
    assert [(s.tensor, s.axis) for s in graph.groups[0].slices] == [
        *(("places", 2), ("words.weight", 1), ("last.weight", 1))
    ]


def test_embedding_bag(assert_exact, sizes) -> None:
    model = nn.Sequential(nn.EmbeddingBag(10, 8, mode="mean"), nn.Linear(8, 3))
    assert sizes(assert_exact(model, torch.randint(10, (2, 5)))) == {"0": 8}


class Tied(nn.Module):
    """The output layer shares the table: its rows are outputs, its columns the stream."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 8)
        self.last = nn.Linear(8, 10, bias=False)
        self.last.weight = self.words.weight

    def forward(self, index: Tensor) -> Tensor:
        return self.last(self.words(index).relu())


def test_tied_output_layer(assert_exact, sizes) -> None:
    graph = assert_exact(Tied(), torch.randint(10, (1, 5)))
    assert sizes(graph) == {"words": 8}
    assert graph.aliases == {"last.weight": "words.weight"}
    (only,) = graph.groups[0].slices
    assert (only.tensor, only.axis, only.reads, only.writes) == ("words.weight", 1, True, True)


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
        self.rnn = kind(4, 6, batch_first=True)
        self.after = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.rnn(self.before(x))[0])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_are_left_alone_and_named(assert_exact, sizes, reasons, kind) -> None:
    graph = assert_exact(Recurrent(kind), torch.randn(1, 5, 4))
    assert sizes(graph) == {"before.0": 8}
    assert "left as they are" in reasons(graph)["rnn"]
    assert "before.2" in reasons(graph)


def test_attention_at_the_input_keeps_its_width(assert_exact, sizes, reasons) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, batch_first=True)
    graph = assert_exact(layer, torch.randn(1, 5, 8))
    assert sizes(graph) == {"linear1": 12}
    assert "fixed widths" in reasons(graph)["self_attn.in_proj_weight"]


def test_frozen_attention_is_traced_like_any_other(sizes) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, batch_first=True).eval()
    layer.requires_grad_(False)
    assert sizes(find_channels(layer, (torch.randn(1, 5, 8),))) == {"linear1": 12}
