"""A deep learning recommendation model: tables and numbers whose products feed an MLP.

Source: Naumov et al., "Deep Learning Recommendation Model for Personalization and Recommendation
Systems", 2019, arXiv 1906.00091.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edgeprune.models.inputs import InputSpec
from edgeprune.models.neumf import initialise, tower


class FieldStack(nn.Module):
    """Vectors of equal width as one stack (N, fields, width)."""

    def forward(self, *vectors: Tensor) -> Tensor:
        """Put (N, width) tensors one behind the other."""
        return torch.stack(vectors, dim=1)


class Dlrm(nn.Module):
    """A score from ids, numbers and a bag of words.

    A bottom MLP makes a vector of the numbers, a table one of each id and, as their mean, one of
    the words in the bag. The products of all pairs of these vectors, with the numbers' own, go
    through a top MLP.

    Args:
        width: of every vector.
        rows: rows of the table of each column of ids, that of padding included.
        dense: how many numbers there are.
        bag_rows: rows of the words' table.
        bag_length: words of a sample, padded.
        num_classes: scores per sample.
        in_channels: columns of ids.
    """

    def __init__(
        self,
        width: int,
        rows: Sequence[int],
        dense: int,
        bag_rows: int,
        bag_length: int,
        num_classes: int = 1,
        in_channels: int = 2,
    ) -> None:
        super().__init__()
        if in_channels != len(rows):
            raise ValueError(f"{len(rows)} tables for {in_channels} columns of ids")
        self.bag_length = bag_length
        self.bottom = tower(dense, [2 * width, width])
        self.tables = nn.ModuleList(nn.Embedding(count, width) for count in rows)
        self.words = nn.EmbeddingBag(bag_rows, width, mode="mean", padding_idx=0)
        self.stack = FieldStack()
        fields = len(rows) + 2
        self.top = tower(width + fields * (fields - 1) // 2, [4 * width, 2 * width])
        self.head = nn.Linear(2 * width, num_classes)
        initialise(self, width**-0.5)

    def forward(self, ids: Tensor, dense: Tensor, bag: Tensor) -> Tensor:
        """Map ids (N, F), numbers (N, D) and words (N, G) to scores (N, num_classes)."""
        numbers = self.bottom(dense)
        vectors = [table(ids[:, column]) for column, table in enumerate(self.tables)]
        stacked = self.stack(numbers, *vectors, self.words(bag))
        products = torch.bmm(stacked, stacked.transpose(1, 2)).flatten(1)
        pairs = _pairs(stacked.shape[1]).to(products.device)
        scores: Tensor = self.head(self.top(torch.cat([numbers, products[:, pairs]], 1)))
        return scores

    def input_specs(self) -> tuple[InputSpec, ...]:
        """What it takes."""
        bottom = self.bottom[0]
        assert isinstance(bottom, nn.Linear)
        rows = tuple(int(table.num_embeddings) for table in self.tables)  # type: ignore[arg-type]
        words = (self.words.num_embeddings,) * self.bag_length
        return (
            InputSpec("ids", "int64", (len(rows),), rows),
            InputSpec("dense", "float32", (bottom.in_features,)),
            InputSpec("bag", "int64", (self.bag_length,), words),
        )


def _pairs(fields: int) -> Tensor:
    """Places, in a flattened (fields, fields), of each pair once and none with itself."""
    return torch.tensor([i * fields + j for i in range(fields) for j in range(i)])
