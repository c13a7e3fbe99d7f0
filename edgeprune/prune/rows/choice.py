"""Which ids keep a row of their own, and which row the others read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

Tail = Literal["shared", "hashed"]
_KNUTH: Final = 2654435761  # Fibonacci hashing (The Art of Computer Programming, volume 3, 6.4)
_WORD: Final = 2**32


@dataclass(frozen=True, eq=False)
class RowChoice:
    """What becomes of one table's rows.

    Attributes:
        row_of: (ids,) int64, the new row of each id; kept ones keep their order, the tail's follow.
        kept: ids with a row of their own, ascending, the padding's among them.
        buckets: rows that the other ids share.
        tail_share: of the training's lookups that read a shared row.
    """

    row_of: Tensor
    kept: Tensor
    buckets: int
    tail_share: float

    @property
    def rows(self) -> int:
        """That the table has afterwards."""
        return len(self.kept) + self.buckets


def choose_rows(counts: Tensor, fraction: float, tail: Tail, padding: int | None) -> RowChoice:
    """Keep the rows that training reads most; of equally frequent ids the lower ones.

    Args:
        counts: (ids,) lookups in training.
        fraction: of the rows that ids keep for themselves, in (0, 1); at least one.
        tail: `shared`: one row for all others; `hashed`: about as many as the root of their
            number.
        padding: an id that keeps its row whatever its count.
    """
    wanted = max(1, round(fraction * len(counts)))
    keep = torch.zeros(len(counts), dtype=torch.bool)
    keep[torch.sort(counts, descending=True, stable=True).indices[:wanted]] = True
    if padding is not None:
        keep[padding] = True
    kept, others = keep.nonzero()[:, 0], (~keep).nonzero()[:, 0]
    buckets = min(len(others), 1 if tail == "shared" else math.ceil(math.sqrt(len(others))))
    row_of = torch.empty(len(counts), dtype=torch.int64)
    row_of[kept] = torch.arange(len(kept))
    if buckets:
        row_of[others] = len(kept) + (others * _KNUTH % _WORD) * buckets // _WORD
    total = int(counts.sum())
    read = int(counts[others].sum())
    return RowChoice(row_of, kept, buckets, read / total if total else 0.0)


def shared_rows(weight: Tensor, counts: Tensor, choice: RowChoice) -> Tensor:
    """(rows, dims): kept rows as they are, shared ones the mean of their ids by frequency.

    Args:
        weight: (ids, dims).
    """
    wide = weight.detach().double().cpu()
    # An id that training never reads says nothing; where none of a bucket was read, all do alike.
    votes = counts.double() + 1e-9
    sums = torch.zeros(choice.rows, wide.shape[1], dtype=torch.float64)
    sums.index_add_(0, choice.row_of, wide * votes[:, None])
    weights = torch.zeros(choice.rows, dtype=torch.float64).index_add_(0, choice.row_of, votes)
    rows = (sums / weights.clamp(min=1e-300)[:, None]).to(weight)
    rows[: len(choice.kept)] = weight.detach()[choice.kept.to(weight.device)]
    return rows
