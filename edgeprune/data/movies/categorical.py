"""Genre, country, language and certificate as zeros and ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.movies.film import CATEGORIES, Film

_SEEN_IN: Final = 0.004  # share of the training films that a value needs


@dataclass(frozen=True)
class CategoricalFeatures:
    """The values that are told apart, as `KIND:VALUE`; rarer ones are none."""

    values: tuple[str, ...]

    @classmethod
    def fit(cls, films: Iterable[Film]) -> CategoricalFeatures:
        """Keep the values that are frequent among the films."""
        films = list(films)
        counts = Counter(value for film in films for value in _values(film))
        least = max(2.0, _SEEN_IN * len(films))
        return cls(tuple(sorted(value for value, count in counts.items() if count >= least)))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        return self.values

    def transform(self, films: Sequence[Film]) -> NDArray[np.float64]:
        """(films, features)."""
        column = {value: number for number, value in enumerate(self.values)}
        table = np.zeros((len(films), len(column)))
        for row, film in enumerate(films):
            table[row, [column[value] for value in _values(film) if value in column]] = 1.0
        return table

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"values": list(self.values)}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> CategoricalFeatures:
        """The inverse of `as_plain`."""
        return cls(tuple(values["values"]))


def _values(film: Film) -> list[str]:
    return [f"{kind}:{value}" for kind in CATEGORIES for value in film.names.get(kind, ())]
