"""From ids of users and items to a network's inputs: fitted once, kept beside the network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.ratings.atomic_files import Table
from edgeprune.data.ratings.features import (
    Field,
    Number,
    Owner,
    bag_of,
    fields_of,
    numbers_of,
)
from edgeprune.data.ratings.interactions import ITEM, USER, Ids, Interactions
from edgeprune.data.ratings.vocabulary import Vocabulary
from edgeprune.digest import digest_of
from edgeprune.errors import CorruptFileError

FORMAT: Final = "edgeprune-ratings-1"
Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class RatingsEncoder:
    """The vocabularies, and what is known of every user and item.

    Attributes:
        fields: further columns of `ids` after user and item.
        numbers: columns of `dense`; where there are none, `ids` is all that a network gets.
        bag: words, in rows that are padded to the same length.
    """

    users: Vocabulary
    items: Vocabulary
    fields: tuple[Field, ...] = ()
    numbers: tuple[Number, ...] = ()
    bag: Field | None = None

    @classmethod
    def fit(
        cls, tables: Mapping[str, Table], interactions: Interactions, train: Ids, features: bool
    ) -> RatingsEncoder:
        """Learn what is counted from the training interactions alone.

        Args:
            train: positions of the training interactions.
            features: whether networks get more than the two ids.
        """
        users, items = interactions.users, interactions.items
        if not features:
            return cls(users, items)
        owners: dict[Owner, Vocabulary] = {"user": users, "item": items}
        trained_on: dict[Owner, Ids] = {
            "user": interactions.user[train],
            "item": interactions.item[train],
        }
        numbers = numbers_of(tables, owners, trained_on)
        return cls(users, items, fields_of(tables, owners), numbers, bag_of(tables, owners))

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows of the table of each column of `ids`."""
        return (self.users.rows, self.items.rows, *(field.values.rows for field in self.fields))

    @property
    def arch_args(self) -> dict[str, Any]:
        """What a network has to know of its inputs."""
        sizes: dict[str, Any] = {"rows": list(self.rows)}
        if self.numbers:
            sizes["dense"] = len(self.numbers)
        if self.bag is not None:
            sizes["bag_rows"], sizes["bag_length"] = self.bag.values.rows, self.bag.rows.shape[1]
        return sizes

    @property
    def inputs_digest(self) -> str:
        """SHA-256 of what every row of the tables and every number is of."""
        owned = [*self.fields, *([self.bag] if self.bag else [])]
        values = {
            "users": self.users.tokens,
            "items": self.items.tokens,
            "fields": [[f.owner, f.values.column, f.values.tokens] for f in owned],
            "numbers": [[number.owner, number.name] for number in self.numbers],
        }
        return digest_of(values)

    def inputs(self, user: Ids, item: Ids) -> Arrays:
        """`ids` (N, F) int64, then `dense` (N, D) float32 and `bag` (N, G) int64 where they are.

        Args:
            user: (N,) rows of `users`.
            item: (N,) rows of `items`.
        """
        of: dict[Owner, Ids] = {"user": user, "item": item}
        columns = [user, item, *(field.rows[of[field.owner]] for field in self.fields)]
        arrays: list[NDArray[Any]] = [np.stack(columns, axis=1)]
        if self.numbers:
            dense = [number.values[of[number.owner]] for number in self.numbers]
            arrays.append(np.stack(dense, axis=1))
        if self.bag is not None:
            arrays.append(self.bag.rows[of[self.bag.owner]])
        return tuple(arrays)

    def encode(self, users: Sequence[str], items: Sequence[str]) -> Arrays:
        """A network's inputs for pairs of ids as the files call them.

        Raises:
            UserInputError: an id that the network was not trained with.
        """
        return self.inputs(self.users.encode(users), self.items.encode(items))

    def to_json(self) -> str:
        """All of it."""
        values = {
            "format": FORMAT,
            "users": list(self.users.tokens),
            "items": list(self.items.tokens),
            "fields": [field.as_plain() for field in self.fields],
            "numbers": [number.as_plain() for number in self.numbers],
            "bag": self.bag.as_plain() if self.bag else None,
        }
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def load(cls, path: Path) -> RatingsEncoder:
        """Read what `to_json` wrote.

        Raises:
            CorruptFileError: the file is no such thing.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']!r}")
            bag = values["bag"]
            return cls(
                Vocabulary(USER, tuple(values["users"])),
                Vocabulary(ITEM, tuple(values["items"])),
                tuple(Field.from_plain(plain) for plain in values["fields"]),
                tuple(Number.from_plain(plain) for plain in values["numbers"]),
                Field.from_plain(bag) if bag else None,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptFileError(f"{path}: no vocabulary of ratings ({error})") from error
