"""Who interacted with what, and when: the rows of a `.inter` file, checked."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.ratings.atomic_files import Table
from edgeprune.data.ratings.vocabulary import Vocabulary
from edgeprune.errors import UserInputError

USER, ITEM, RATING, TIME = "user_id", "item_id", "rating", "timestamp"
LOWEST_RATING, HIGHEST_RATING = 0.0, 10.0
Ids = NDArray[np.int64]
_UNREAD: Final = np.zeros(0)


@dataclass(frozen=True)
class Interactions:
    """All interactions in the order of time; those of one moment in an order of their own.

    Attributes:
        users: vocabulary of users, those of `.user` included.
        items: of items, likewise.
        user: (N,) rows of `users`.
        item: (N,) rows of `items`.
        rating: (N,) float64; empty where ratings are not read.
    """

    users: Vocabulary
    items: Vocabulary
    user: Ids
    item: Ids
    rating: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.user)

    def pair_keys(self) -> Ids:
        """(N,) a number for each pair of user and item."""
        return self.user * self.items.rows + self.item


def interactions_of(tables: Mapping[str, Table], *, ratings: bool) -> Interactions:
    """Check and order the interactions.

    Timestamps often agree (MovieLens' users rate many films at once). Such interactions are ordered
    by a hash of user and item, so that the order of the file's rows decides nothing.

    Args:
        ratings: whether ratings are read too.

    Raises:
        UserInputError: a column is missing, a cell is none, a pair or what is known of an id
            appears twice, or a rating is out of range.
    """
    table = tables["inter"]
    table.require(USER, ITEM, TIME, *((RATING,) if ratings else ()))
    tokens = {name: table.columns[name] for name in (USER, ITEM)}
    for name in tokens:
        _refuse_empty(table, name)
    users, items = _vocabulary(tables, USER, "user"), _vocabulary(tables, ITEM, "item")
    time = table.numbers(TIME)
    rating = _ratings(table) if ratings else _UNREAD
    user, item = users.encode(tokens[USER]), items.encode(tokens[ITEM])
    _refuse_duplicates(table, user * items.rows + item)
    tie = [zlib.crc32(f"{u}\t{i}".encode()) for u, i in zip(*tokens.values(), strict=True)]
    order = np.lexsort((item, user, np.array(tie), time))
    return Interactions(
        users, items, user[order], item[order], rating[order] if ratings else rating
    )


def _vocabulary(tables: Mapping[str, Table], column: str, kind: str) -> Vocabulary:
    """Ids of the interactions and of the file that describes them: the catalogue is known."""
    tokens = set(tables["inter"].columns[column])
    if kind in tables:
        tables[kind].require(column)
        _refuse_empty(tables[kind], column)
        _refuse_repeated(tables[kind], column)
        tokens.update(tables[kind].columns[column])
    return Vocabulary.of(column, tokens)


def _refuse_empty(table: Table, name: str) -> None:
    cells = table.columns[name]
    if "" in cells:
        raise UserInputError(f"{table.line(list(cells).index(''))}: its {name} is empty")


def _refuse_repeated(table: Table, name: str) -> None:
    """Two rows about one id may say different things of it."""
    first: dict[str, int] = {}
    for row, cell in enumerate(table.columns[name]):
        if first.setdefault(cell, row) != row:
            raise UserInputError(
                f"{table.line(row)}: {name} {cell!r} stands in line {first[cell] + 2} already; "
                "keep one of its rows"
            )


def _ratings(table: Table) -> NDArray[np.float64]:
    rating = table.numbers(RATING)
    wrong = np.flatnonzero((rating < LOWEST_RATING) | (rating > HIGHEST_RATING))
    if len(wrong):
        raise UserInputError(
            f"{table.line(int(wrong[0]))}: its rating is {rating[wrong[0]]:g}, out of the range "
            f"from {LOWEST_RATING:g} to {HIGHEST_RATING:g}; leave such rows out, or rescale all"
        )
    return rating


def _refuse_duplicates(table: Table, keys: Ids) -> None:
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    if len(again):
        first, second = (int(order[again[0] + step]) for step in (0, 1))
        raise UserInputError(
            f"{table.line(second)}: {USER} {table.columns[USER][second]!r} and {ITEM} "
            f"{table.columns[ITEM][second]!r} stand in line {first + 2} already "
            f"({len(again):,} such rows); keep one of each pair"
        )
