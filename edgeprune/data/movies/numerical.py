"""Year, length, and counts of votes, reviews and money, on logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.movies.film import NUMBERS, Film

_PLAIN: Final = ("runtime", "aspect_ratio")


@dataclass(frozen=True)
class NumericalFeatures:
    """The numbers that training films have."""

    columns: tuple[str, ...]

    @classmethod
    def fit(cls, films: Iterable[Film]) -> NumericalFeatures:
        """Keep the numbers that at least one film has."""
        known = {name for film in films for name in film.numbers}
        return cls(tuple(name for name in NUMBERS if name in known))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        return ("year", *self.columns)

    def transform(self, films: Sequence[Film]) -> NDArray[np.float64]:
        """(films, features); NaN where a number is not known."""
        rows = [
            [float(film.year), *(_value(film, name) for name in self.columns)] for film in films
        ]
        return np.array(rows, dtype=np.float64)

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"columns": list(self.columns)}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> NumericalFeatures:
        """The inverse of `as_plain`."""
        return cls(tuple(values["columns"]))


def _value(film: Film, name: str) -> float:
    value = film.numbers.get(name, math.nan)
    return value if name in _PLAIN else math.log1p(max(value, 0.0))
