"""Tables in which rare ids share rows: a map from ids to rows, then a smaller table.

Most ids of a recommender are seen a handful of times in training: what their rows hold is mostly
what they were drawn with. Their rows become one, or a few that ids are hashed to (Weinberger et
al., ICML 2009). The map lies in the network, so that files and graphs take the ids they always did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from edgeprune.errors import UserInputError
from edgeprune.wording import shown

MAP: Final = "row_of"
_TABLE: Final = "table"


class MappedTable(nn.Module):
    """An embedding, or a bag of them, whose ids share rows.

    Args:
        row_of: (ids,) int32, the row of each id.
        table: `nn.Embedding` or `nn.EmbeddingBag` of those rows.
    """

    row_of: Tensor

    def __init__(self, row_of: Tensor, table: nn.Embedding | nn.EmbeddingBag) -> None:
        super().__init__()
        # 32 bits: half the bytes of what torch's ids are, and more rows than memory holds.
        self.register_buffer(MAP, row_of.to(torch.int32))
        self.table = table

    @property
    def num_embeddings(self) -> int:
        """Ids that it knows."""
        return len(self.row_of)

    @property
    def embedding_dim(self) -> int:
        """Width of a row."""
        return self.table.embedding_dim

    @property
    def padding_idx(self) -> int | None:
        """Id of the padding, which keeps a row of its own."""
        padding = self.table.padding_idx
        return None if padding is None else int((self.row_of == padding).nonzero()[0])

    def forward(self, ids: Tensor, *more: Tensor) -> Tensor:
        """What the table gives for the ids' rows."""
        found: Tensor = self.table(self.row_of[ids], *more)
        return found


def with_row_maps(model: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Put a `MappedTable` in place of every table that a state_dict has a map for.

    Sizes and values come with the state_dict's tensors.

    Raises:
        UserInputError: a map where the network has no table, or one that leads out of it.
    """
    ending = f".{MAP}"
    for key in [key for key in state_dict if key.endswith(ending)]:
        path = key.removesuffix(ending)
        row_of, rows = state_dict[key], state_dict.get(f"{path}.{_TABLE}.weight")
        place = dict(model.named_modules()).get(path)
        if isinstance(place, MappedTable):
            continue
        table = place if isinstance(place, nn.Embedding | nn.EmbeddingBag) else None
        if table is None or rows is None or rows.dim() != 2:
            raise UserInputError(f"{shown(key)} is of a table that the network does not have")
        if row_of.dim() != 1 or row_of.is_floating_point() or not _leads_inside(row_of, len(rows)):
            raise UserInputError(f"{shown(key)} leads to rows that the table does not have")
        if table.padding_idx is not None:
            if table.padding_idx >= len(row_of):
                raise UserInputError(f"{shown(key)} has no row for the table's padding")
            table.padding_idx = int(row_of[table.padding_idx])
        put_module(model, path, MappedTable(torch.zeros_like(row_of), table))


def put_module(model: nn.Module, path: str, module: nn.Module) -> None:
    """Replace the module at a path."""
    above, _, name = path.rpartition(".")
    setattr(model.get_submodule(above), name, module)


def _leads_inside(row_of: Tensor, rows: int) -> bool:
    return not len(row_of) or (int(row_of.min()) >= 0 and int(row_of.max()) < rows)
