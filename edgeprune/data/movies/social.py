"""Who made the film: how their earlier films were rated, from earlier years alone.

A film never enters its own statistics, nor do films of its year or later: what is known of a
director is what was known when the film came out. Films that are to be predicted add nothing.
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.movies.film import LIKES, PEOPLE, Film

_PRIOR_FILMS: Final = 1.0  # films of average rating that everyone is taken to have made besides
_ALL: Final = ""  # the record of all films together
_OF_A_ROLE: Final = ("mean", "best", "worst", "first", "latest", "films", "known", "number")


@dataclass(frozen=True)
class Record:
    """Ratings over the years.

    Attributes:
        years: ascending.
        ratings: of those years' films.
    """

    years: tuple[int, ...]
    ratings: tuple[float, ...]

    def before(self, year: int) -> tuple[int, float]:
        """Number of films of earlier years and the sum of their ratings."""
        count = bisect.bisect_left(self.years, year)
        return count, float(sum(self.ratings[:count]))


@dataclass(frozen=True)
class SocialFeatures:
    """Statistics of people, by role, fitted on training films.

    Attributes:
        records: by `ROLE:NAME`, only of people with a film.
        overall: of all training films, by year: films before it and their mean rating.
    """

    records: Mapping[str, Record]
    overall: Record

    @classmethod
    def fit(cls, films: Iterable[Film]) -> SocialFeatures:
        """Gather every person's ratings."""
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for film in films:
            found[_ALL].append((film.year, film.rating))
            for role in PEOPLE:
                for name in film.names.get(role, ()):
                    found[f"{role}:{name}"].append((film.year, film.rating))
        records = {key: _record(pairs) for key, pairs in found.items()}
        return cls(records, records.pop(_ALL, Record((), ())))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        roles = [f"{role}_{what}" for role in PEOPLE for what in _OF_A_ROLE]
        return (*roles, *LIKES)

    def transform(self, films: Sequence[Film]) -> NDArray[np.float64]:
        """(films, features); NaN where nothing is known."""
        totals = list(accumulate(self.overall.ratings, initial=0.0))
        rows = []
        for film in films:
            before = bisect.bisect_left(self.overall.years, film.year)
            average = totals[before] / before if before else 0.0
            row = [value for role in PEOPLE for value in self._role(film, role, average)]
            likes = [film.numbers.get(name, math.nan) for name in LIKES]
            rows.append([*row, *(math.log1p(max(value, 0.0)) for value in likes)])
        return np.array(rows, dtype=np.float64)

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "overall": [list(self.overall.years), list(self.overall.ratings)],
            "records": {k: [list(r.years), list(r.ratings)] for k, r in self.records.items()},
        }

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> SocialFeatures:
        """The inverse of `as_plain`."""
        records = {k: Record(tuple(y), tuple(r)) for k, (y, r) in values["records"].items()}
        years, ratings = values["overall"]
        return cls(records, Record(tuple(years), tuple(ratings)))

    def _role(self, film: Film, role: str, average: float) -> tuple[float, ...]:
        """How the role's people were rated before, against all films up to then."""
        people = film.names.get(role, ())
        records = [self.records.get(f"{role}:{name}") for name in people]
        past = [(record, *record.before(film.year)) for record in records if record is not None]
        past = [entry for entry in past if entry[1]]
        if not past:
            return (math.nan,) * 5 + (0.0, 0.0, float(len(people)))
        above = [(total - n * average) / (n + _PRIOR_FILMS) for _, n, total in past]
        latest = [record.ratings[n - 1] - average for record, n, _ in past]
        films = sum(n for _, n, _ in past)
        return (
            sum(above) / len(above),
            max(above),
            min(above),
            above[0],
            sum(latest) / len(latest),
            math.log1p(films),
            len(past) / len(people),
            float(len(people)),
        )


def _record(pairs: list[tuple[int, float]]) -> Record:
    ordered = sorted(pairs)
    return Record(tuple(year for year, _ in ordered), tuple(rating for _, rating in ordered))
