"""The columns that a user's file may have, and how a row becomes a film.

Ours are `year`, `rating` (both needed), `title`, `text`, `director`, `writer`, `cast`, `genre`,
`country`, `language`, `certificate`, `runtime` (minutes), `votes`, `critic_reviews`,
`user_reviews`, `gross`, `budget`, `aspect_ratio`, `director_likes`, `cast_likes` and `film_likes`.
Several names in a cell are parted by `|`, or by commas where there is no `|`. The columns of
IMDB-5000's `movie_metadata.csv` are understood as they are. Capitals and spaces around a column's
name do not matter; columns of other names are not read.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from edgeprune.data.movies.film import CATEGORIES, LIKES, NUMBERS, PEOPLE, TEXTS, Film
from edgeprune.errors import UserInputError

NEEDED: Final = ("year", "rating")
# Other names of a column; where several are there, their values are joined.
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "year": ("title_year",),
    "rating": ("imdb_score",),
    "title": ("movie_title",),
    "text": ("plot_keywords",),
    "director": ("director_name",),
    "cast": ("actor_1_name", "actor_2_name", "actor_3_name"),
    "genre": ("genres",),
    "certificate": ("content_rating",),
    "runtime": ("duration",),
    "votes": ("num_voted_users",),
    "critic_reviews": ("num_critic_for_reviews",),
    "user_reviews": ("num_user_for_reviews",),
    "director_likes": ("director_facebook_likes",),
    "cast_likes": ("cast_total_facebook_likes",),
    "film_likes": ("movie_facebook_likes",),
}


_READ: Final = (*NEEDED, *TEXTS, *PEOPLE, *CATEGORIES, *NUMBERS, *LIKES)
_FOUR_DIGITS: Final = (1000, 9999)
_SHOWN: Final = 80  # characters of a file's header that a message repeats


def header(where: str, names: Iterable[object]) -> tuple[str, ...]:
    """The columns' names as they are looked up.

    Raises:
        UserInputError: a column that would be read is there twice.
    """
    clean = tuple(str(name or "").strip().lower() for name in names)
    for name in _READ:
        for column in (name, *ALIASES.get(name, ())):
            if clean.count(column) > 1:
                raise UserInputError(
                    f"{where}: {clean.count(column)} columns are named '{column}'; rename or "
                    "remove all but one"
                )
    return clean


def sources_of(name: str, present: Iterable[str]) -> tuple[str, ...]:
    """The columns of a file that hold `name`, of ours first."""
    there = set(present)
    return tuple(column for column in (name, *ALIASES.get(name, ())) if column in there)


def films_of(where: str, rows: Sequence[Mapping[str, Any]], present: Sequence[str]) -> list[Film]:
    """Read the rows; a film without a year cannot be placed in time, and is left out with a word.

    Args:
        where: the file, for messages.
        rows: cells by column; strings, numbers or None.
        present: the columns, as `header` gives them.

    Raises:
        UserInputError: a needed column is missing, a rating is none, or a number is unreadable.
    """
    columns = {name: sources_of(name, present) for name in _READ}
    for name in NEEDED:
        if not columns[name]:
            raise UserInputError(_missing(where, name, present))
    films = []
    for number, row in enumerate(rows):
        film = _film(f"{where}, film {number + 1}", number, row, columns)
        if film is not None:
            films.append(film)
    if not films:
        count = f"none of its {len(rows)} films has a year" if rows else "it holds no films"
        raise UserInputError(f"{where}: {count}; a film needs a year and a rating")
    if len(films) < len(rows):
        warnings.warn(
            f"{where}: {len(rows) - len(films)} of {len(rows)} films have no year and are left out",
            stacklevel=2,
        )
    return films


def _missing(where: str, name: str, present: Sequence[str]) -> str:
    """What is said where a needed column is not there."""
    other = "".join(f" (or '{alias}')" for alias in ALIASES[name])
    shown = ", ".join(present)
    shown = f"{shown[:_SHOWN]}..." if len(shown) > _SHOWN else shown or "none"
    # A header of one column is one whose cells are parted by something else, as a rule.
    remedy = "; part the cells by commas" if len(present) == 1 else ""
    return (
        f"{where}: no column '{name}'{other}; a film needs a year and a rating, and the columns "
        f"are {shown!r}{remedy}"
    )


def _film(
    where: str, number: int, row: Mapping[str, Any], columns: Mapping[str, tuple[str, ...]]
) -> Film | None:
    year = _number(where, "year", _first(row, columns["year"]))
    if year is None:
        return None
    if year != int(year) or not _FOUR_DIGITS[0] <= year <= _FOUR_DIGITS[1]:
        raise UserInputError(f"{where}: its year is {year:g}; give a whole number of four digits")
    rating = _number(where, "rating", _first(row, columns["rating"]))
    if rating is None:
        raise UserInputError(f"{where}: its rating is empty or NaN; leave out films without one")
    known = {
        name: value
        for name in (*NUMBERS, *LIKES)
        if (value := _number(where, name, _first(row, columns[name]))) is not None
    }
    names = {
        name: split_names("|".join(_text(row.get(column)) for column in columns[name]))
        for name in (*PEOPLE, *CATEGORIES)
        if columns[name]
    }
    text = " ".join(_text(row.get(column)) for name in TEXTS for column in columns[name])
    return Film(int(year), rating, names, known, text.strip(), number)


def split_names(cell: str) -> tuple[str, ...]:
    """Names of a cell, without what stands in brackets, each once."""
    parts = cell.split("|") if "|" in cell.strip("|") else cell.strip("|").split(",")
    clean = (part.split("(", 1)[0].strip() for part in parts)
    return tuple(dict.fromkeys(part for part in clean if part))


def _first(row: Mapping[str, Any], columns: tuple[str, ...]) -> Any:
    return row.get(columns[0]) if columns else None


def _text(cell: Any) -> str:
    missing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    return "" if missing else str(cell).replace("\xa0", " ").strip()


def _number(where: str, name: str, cell: Any) -> float | None:
    text = _text(cell)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise UserInputError(f"{where}: its {name} is {text[:40]!r}, not a number") from None
    if math.isinf(value):
        raise UserInputError(f"{where}: its {name} is infinite")
    return None if math.isnan(value) else value
