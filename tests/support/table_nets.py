"""Small networks with tables: products of embeddings, bags, dot products of all fields."""

from __future__ import annotations

import random

import torch
from torch import Tensor, nn

from edgeprune.models.inputs import InputSpec


class Towers(nn.Module):
    """NeuMF: products of two embeddings beside an MLP of two others (He et al., WWW 2017)."""

    def __init__(self, users: int = 12, items: int = 9, width: int = 8) -> None:
        super().__init__()
        self.gmf_user, self.gmf_item = nn.Embedding(users, width), nn.Embedding(items, width)
        self.mlp_user, self.mlp_item = nn.Embedding(users, width), nn.Embedding(items, width)
        self.first, self.relu = nn.Linear(2 * width, 10), nn.ReLU()
        self.last = nn.Linear(width + 10, 1)

    def input_specs(self) -> tuple[InputSpec, ...]:
        rows = (self.gmf_user.num_embeddings, self.gmf_item.num_embeddings)
        return (InputSpec("ids", "int64", (2,), rows, ("user", "item")),)

    def forward(self, ids: Tensor) -> Tensor:
        user, item = ids[:, 0], ids[:, 1]
        product = self.gmf_user(user) * self.gmf_item(item)
        both = torch.cat([self.mlp_user(user), self.mlp_item(item)], 1)
        return self.last(torch.cat([product, self.relu(self.first(both))], 1))


class Dots(nn.Module):
    """DLRM: fields as vectors of one width, all dot products of two (Naumov et al., 2019)."""

    def __init__(self, rows: tuple[int, ...] = (12, 9), genres: int = 7, width: int = 8) -> None:
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(count, width) for count in rows])
        self.genres = nn.EmbeddingBag(genres, width, mode="mean", padding_idx=0)
        self.bottom = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, width), nn.ReLU())
        fields = len(rows) + 2
        lower = torch.tril_indices(fields, fields, offset=-1)
        self.register_buffer("lower", lower[0] * fields + lower[1], persistent=False)
        self.top = nn.Sequential(
            nn.Linear(width + fields * (fields - 1) // 2, 10), nn.ReLU(), nn.Linear(10, 1)
        )

    def input_specs(self) -> tuple[InputSpec, ...]:
        rows = tuple(table.num_embeddings for table in self.tables)
        return (
            InputSpec("ids", "int64", (len(rows),), rows),
            InputSpec("dense", "float32", (3,)),
            InputSpec("bag", "int64", (4,), (self.genres.num_embeddings,) * 4),
        )

    def forward(self, ids: Tensor, dense: Tensor, bag: Tensor) -> Tensor:
        numbers = self.bottom(dense)
        fields = [numbers, *(t(ids[:, i]) for i, t in enumerate(self.tables)), self.genres(bag)]
        stack = torch.stack(fields, 1)
        dots = torch.bmm(stack, stack.transpose(1, 2)).flatten(1).index_select(1, self.lower)
        return self.top(torch.cat([numbers, dots], 1))


class RandomTables(nn.Module):
    """Tables and bags joined at random, by sums, products, concatenation or dot products."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self.joined = [draw.choice(["add", "times", "cat", "dots"]) for _ in range(2)]
        width = draw.choice([4, 6])
        self.tables = nn.ModuleList(
            nn.Embedding(draw.randint(2, 9), width, padding_idx=draw.choice([None, 0]))
            for _ in range(2 if draw.random() < 0.5 else 4)
        )
        mode = draw.choice(["mean", "sum", "max"])
        self.bag = nn.EmbeddingBag(draw.randint(3, 9), width, mode=mode, padding_idx=0)
        self.gate = nn.Sequential(nn.Linear(width, width), nn.Sigmoid())
        self.shared = draw.random() < 0.4
        with torch.no_grad():
            some = self._joined(*(torch.zeros(1, k).long() for k in (len(self.tables), 3)))
        self.top = nn.Sequential(nn.Linear(some.shape[1], 6), nn.ReLU(), nn.Linear(6, 2))

    def input_specs(self) -> tuple[InputSpec, ...]:
        rows = tuple(table.num_embeddings for table in self.tables)
        bag = (self.bag.num_embeddings,) * 3
        return InputSpec("ids", "int64", (len(rows),), rows), InputSpec("bag", "int64", (3,), bag)

    def forward(self, ids: Tensor, bag: Tensor) -> Tensor:
        return self.top(self._joined(ids, bag))

    def _joined(self, ids: Tensor, bag: Tensor) -> Tensor:
        fields = [table(ids[:, i]) for i, table in enumerate(self.tables)]
        half = len(fields) // 2
        last = self.bag(bag)
        last = last * self.gate(fields[0]) if self.shared else last
        halves = (fields[:half], fields[half:])
        parts = [_join(how, x) for how, x in zip(self.joined, halves, strict=True)]
        return torch.cat([*parts, last], 1)


def _join(how: str, fields: list[Tensor]) -> Tensor:
    if how == "cat":
        return torch.cat(fields, 1)
    if how == "dots":
        stack = torch.stack([*fields, fields[0].relu()], 1)
        return torch.cat([torch.bmm(stack, stack.mT).flatten(1), fields[0]], 1)
    joined = fields[0]
    for field in fields[1:]:
        joined = joined + field if how == "add" else joined * field
    return joined


def random_table_network(draw: random.Random) -> nn.Module:
    return RandomTables(draw)
