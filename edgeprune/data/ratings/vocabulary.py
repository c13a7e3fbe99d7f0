"""Ids of users, items and their features as rows of a table; row 0 is kept for padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import UserInputError

PADDING = 0


@dataclass(frozen=True)
class Vocabulary:
    """The ids that a network knows.

    Attributes:
        column: what they are ids of, as the file calls it.
        tokens: in the order of their rows, from row 1 on.
    """

    column: str
    tokens: tuple[str, ...]

    @classmethod
    def of(cls, column: str, tokens: Iterable[str]) -> Vocabulary:
        """Each token once; numbers by value, then other words in alphabetical order."""
        return cls(column, tuple(sorted(set(tokens), key=_order)))

    @property
    def rows(self) -> int:
        """Rows of a table of them, that of padding included."""
        return len(self.tokens) + 1

    @cached_property
    def _row(self) -> dict[str, int]:
        return {token: row for row, token in enumerate(self.tokens, start=1)}

    def encode(self, tokens: Sequence[str], where: str = "") -> NDArray[np.int64]:
        """Rows of the tokens.

        Args:
            where: what the tokens were given as, for the message.

        Raises:
            UserInputError: a token is unknown.
        """
        rows = self.encode_known(tokens)
        unknown = np.flatnonzero(rows == PADDING)
        if len(unknown):
            place = int(unknown[0])
            raise UserInputError(
                f"{where}{self.column} {tokens[place]!r} (row {place + 1}) is unknown: the network "
                f"was trained with {len(self.tokens):,} others; leave it out, or train again with "
                "its interactions"
            )
        return rows

    def encode_known(self, tokens: Sequence[str]) -> NDArray[np.int64]:
        """Rows of the tokens, and that of padding for unknown ones."""
        row = self._row
        return np.array([row.get(token, PADDING) for token in tokens], dtype=np.int64)


def _order(token: str) -> tuple[int, int, str]:
    return (0, int(token), token) if token.isdecimal() else (1, 0, token)
