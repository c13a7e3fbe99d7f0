"""What is known of users and items besides their ids: fields, numbers, and a bag of words.

A column names its rows rather than telling them apart if it has more than half as many values as
the file has rows (postcodes, titles); such columns are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.ratings.atomic_files import Table
from edgeprune.data.ratings.interactions import ITEM, USER, Ids
from edgeprune.data.ratings.vocabulary import PADDING, Vocabulary

Owner = Literal["user", "item"]
OWNERS: Final[tuple[Owner, ...]] = ("user", "item")
_ID: Final[Mapping[Owner, str]] = {"user": USER, "item": ITEM}
_MOST_VALUES: Final = 0.5  # per row of the file


@dataclass(frozen=True)
class Field:
    """One value of every user or item.

    Attributes:
        values: its vocabulary.
        rows: (rows of the owner,) rows of `values`; that of padding where it is not known.
    """

    owner: Owner
    values: Vocabulary
    rows: Ids

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "owner": self.owner,
            "name": self.values.column,
            "values": list(self.values.tokens),
            "rows": self.rows.tolist(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Field:
        """The inverse of `as_plain`."""
        vocabulary = Vocabulary(plain["name"], tuple(plain["values"]))
        return cls(plain["owner"], vocabulary, np.array(plain["rows"], dtype=np.int64))


@dataclass(frozen=True)
class Number:
    """A number of every user or item: (rows of the owner,) float32.

    Mean 0 and deviation 1 over those that it is known of; 0 for the others and for padding.
    """

    owner: Owner
    name: str
    values: NDArray[np.float32]

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"owner": self.owner, "name": self.name, "values": self.values.tolist()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Number:
        """The inverse of `as_plain`."""
        return cls(plain["owner"], plain["name"], np.array(plain["values"], dtype=np.float32))


def fields_of(tables: Mapping[str, Table], owners: Mapping[Owner, Vocabulary]) -> tuple[Field, ...]:
    """The `token` columns of users, then of items."""
    return tuple(
        Field(owner, values, _spread(owner, table, owners, values.encode(table.columns[name])))
        for owner, table, name in _columns(tables, "token")
        if (values := _telling(table, name, table.columns[name])) is not None
    )


def bag_of(tables: Mapping[str, Table], owners: Mapping[Owner, Vocabulary]) -> Field | None:
    """The `token_seq` column with the fewest words, such as genres; its rows are (rows, longest).

    None where there is no such column.
    """
    found = []
    for owner, table, name in _columns(tables, "token_seq"):
        words = [cell.split() for cell in table.columns[name]]
        values = _telling(table, name, [word for row in words for word in row])
        if values is not None:
            found.append((values.rows, owner, table, values, words))
    if not found:
        return None
    _, owner, table, values, words = min(found, key=lambda entry: entry[0])
    padded = np.full((len(words), max(map(len, words))), PADDING, dtype=np.int64)
    for row, cells in enumerate(words):
        padded[row, : len(cells)] = values.encode(cells)
    return Field(owner, values, _spread(owner, table, owners, padded))


def numbers_of(
    tables: Mapping[str, Table],
    owners: Mapping[Owner, Vocabulary],
    trained_on: Mapping[Owner, Ids],
) -> tuple[Number, ...]:
    """How often each user and item was trained on, on a logarithmic scale, then `float` columns.

    Args:
        trained_on: users and items of the training interactions.
    """
    counts = [
        Number(owner, "interactions", _padded(_standard(_counts(trained_on[owner], values))))
        for owner, values in owners.items()
    ]
    given = [
        Number(owner, name, _spread(owner, table, owners, _standard(table.numbers(name))))
        for owner, table, name in _columns(tables, "float")
    ]
    return (*counts, *given)


def _columns(tables: Mapping[str, Table], kind: str) -> list[tuple[Owner, Table, str]]:
    return [
        (owner, tables[owner], name)
        for owner in OWNERS
        if owner in tables
        for name, found in tables[owner].kinds.items()
        if found == kind and name != _ID[owner]
    ]


def _telling(table: Table, name: str, tokens: Sequence[str]) -> Vocabulary | None:
    """The vocabulary of a column, or None where it names rows or says the same of all."""
    values = Vocabulary.of(name, tokens)
    return values if 1 < len(values.tokens) <= _MOST_VALUES * len(table) else None


def _spread(
    owner: Owner, table: Table, owners: Mapping[Owner, Vocabulary], values: NDArray[Any]
) -> NDArray[Any]:
    """From rows of the file to rows of the owner's vocabulary; zero where nothing is said."""
    spread = np.zeros((owners[owner].rows, *values.shape[1:]), dtype=values.dtype)
    spread[owners[owner].encode(table.columns[_ID[owner]])] = values
    return spread


def _counts(rows: Ids, vocabulary: Vocabulary) -> NDArray[np.float64]:
    """log(1 + count) of every id, without the padding's."""
    counts: NDArray[np.float64] = np.log1p(np.bincount(rows, minlength=vocabulary.rows)[1:])
    return counts


def _standard(known: NDArray[np.float64]) -> NDArray[np.float32]:
    """Mean 0 and deviation 1; whoever nothing is said of is no part of them."""
    standard: NDArray[np.float32] = (known - known.mean()) / (float(known.std()) or 1.0)
    return standard.astype(np.float32)


def _padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """With a zero for the padding's row."""
    return np.concatenate([np.zeros(1, np.float32), values])
