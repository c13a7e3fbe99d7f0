"""The split in time: what came out before a year trains, what came out from then on tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edgeprune.data.movies.film import Film
from edgeprune.errors import UserInputError

_TEST_SHARE: Final = 0.2
_LEAST_TRAINING_FILMS: Final = 20


def default_test_year(films: Sequence[Film]) -> int:
    """The first year from which on at most a fifth of the films came out; else the last year."""
    years = [film.year for film in films]
    allowed = _TEST_SHARE * len(years)
    fitting = (year for year in sorted(set(years)) if sum(y >= year for y in years) <= allowed)
    return next(fitting, max(years))


def split_by_year(where: str, films: Sequence[Film], year: int) -> tuple[list[Film], list[Film]]:
    """(films before `year`, films of `year` and later).

    Raises:
        UserInputError: too few films are left to train on, or none to test on.
    """
    before = [film for film in films if film.year < year]
    after = [film for film in films if film.year >= year]
    first, last = min(f.year for f in films), max(f.year for f in films)
    if len(before) < _LEAST_TRAINING_FILMS:
        enough = sum(film.year < last for film in films) >= _LEAST_TRAINING_FILMS
        remedy = "give a later @YEAR" if enough else "give a file with more films of earlier years"
        raise UserInputError(
            f"{where}: {len(before)} films came out before the test year {year} (they run from "
            f"{first} to {last}), {_LEAST_TRAINING_FILMS} are needed to train on; {remedy}"
        )
    if not after:
        raise UserInputError(
            f"{where}: no film came out in the test year {year} or later (they run from {first} to "
            f"{last}); give an earlier @YEAR"
        )
    return before, after
