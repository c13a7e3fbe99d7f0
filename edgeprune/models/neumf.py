"""NeuMF: generalised matrix factorisation beside an MLP, each with tables of its own.

Source: He et al., "Neural Collaborative Filtering", WWW 2017, arXiv 1708.05031, section 3.4: three
hidden layers in a tower that halves at each, the last as wide as the factorisation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from edgeprune.models.inputs import InputSpec

_HIDDEN: Final = (4, 2, 1)  # times the factors; the first hidden layer reads twice as much
_EMBEDDING_STD: Final = 0.01  # as in the authors' code


class NeuMf(nn.Module):
    """A score for a user and an item.

    Args:
        factors: width of the factorisation and of the tower's last layer; the tower reads two
            embeddings of four times as many.
        rows: rows of the tables of users and items, that of padding included.
        num_classes: scores per pair.
        in_channels: columns of the input: two.
        features: what else the data would give; there must be none.

    Raises:
        ValueError: the data gives other columns than users and items.
    """

    def __init__(
        self,
        factors: int,
        rows: Sequence[int],
        num_classes: int = 1,
        in_channels: int = 2,
        **features: int,
    ) -> None:
        super().__init__()
        if len(rows) != 2 or in_channels != len(rows) or features:
            raise ValueError("it reads users and items alone: give ratings without +features")
        users, items = rows
        wide = 4 * factors
        self.gmf_user = nn.Embedding(users, factors)
        self.gmf_item = nn.Embedding(items, factors)
        self.mlp_user = nn.Embedding(users, wide)
        self.mlp_item = nn.Embedding(items, wide)
        self.tower = tower(2 * wide, [factor * factors for factor in _HIDDEN])
        self.head = nn.Linear(2 * factors, num_classes)
        initialise(self, _EMBEDDING_STD)

    def forward(self, ids: Tensor) -> Tensor:
        """Map rows of users and items (N, 2) to scores (N, num_classes)."""
        user, item = ids[:, 0], ids[:, 1]
        product = self.gmf_user(user) * self.gmf_item(item)
        hidden = self.tower(torch.cat([self.mlp_user(user), self.mlp_item(item)], 1))
        scores: Tensor = self.head(torch.cat([product, hidden], 1))
        return scores

    def input_specs(self) -> tuple[InputSpec, ...]:
        """What it takes."""
        rows = (self.mlp_user.num_embeddings, self.mlp_item.num_embeddings)
        return (InputSpec("ids", "int64", (2,), rows, ("user", "item")),)


def tower(inputs: int, widths: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths, each followed by a ReLU with a name."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, width in enumerate(widths, start=1):
        layers[f"fc{number}"] = nn.Linear(inputs, width)
        layers[f"relu{number}"] = nn.ReLU()
        inputs = width
    return nn.Sequential(layers)


def initialise(network: nn.Module, embedding_std: float) -> None:
    """Small embeddings, Glorot's linear layers, and nothing learnt of padding."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding | nn.EmbeddingBag):
            nn.init.normal_(module.weight, std=embedding_std)
            with torch.no_grad():
                module.weight[0] = 0.0
