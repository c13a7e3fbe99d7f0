"""What a user's file may hold, and what is said of one that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from edgeprune.data.movies.columns import films_of, header, split_names
from edgeprune.errors import UserInputError

# A row as IMDB-5000 has it, its no-break space included.
_IMDB_5000 = {
    "movie_title": "Example\xa0", "title_year": "2009.0", "imdb_score": "7.9",
    "director_name": "A. Director", "actor_1_name": "One", "actor_2_name": "Two",
    "actor_3_name": "", "genres": "Action|Drama", "plot_keywords": "moon|rocket",
    "content_rating": "PG-13", "duration": "178", "num_voted_users": "886204",
    "director_facebook_likes": "0", "gross": "", "country": "USA", "language": "English",
}  # fmt: skip


def _read(*rows: dict[str, Any]) -> list[Any]:
    return films_of("films.csv", rows, header("films.csv", rows[0]))


def test_a_row_of_imdb_5000_is_understood() -> None:
    (film,) = _read(_IMDB_5000)
    assert (film.year, film.rating) == (2009, 7.9)
    assert film.names["cast"] == ("One", "Two")
    assert film.names["genre"] == ("Action", "Drama")
    assert film.names["certificate"] == ("PG-13",)
    assert film.numbers == {"runtime": 178.0, "votes": 886204.0, "director_likes": 0.0}
    assert film.text == "Example moon|rocket"


def test_a_film_without_a_year_is_left_out_and_rows_keep_their_number() -> None:
    with pytest.warns(UserWarning, match=r"films\.csv: 1 of 2 films have no year"):
        films = _read({"year": "", "rating": "5"}, {"year": "1990", "rating": "6"})
    assert [(film.year, film.row) for film in films] == [(1990, 1)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"rating": "5"}], r"films\.csv: no column 'year' \(or 'title_year'\)"),
        ([{"year": "1990"}], r"no column 'rating' \(or 'imdb_score'\)"),
        ([{"year": "1990", "rating": "5"}, {"year": "1991", "rating": "nan"}],
         "film 2: its rating is empty or NaN"),
        ([{"year": "1990", "rating": None}], "film 1: its rating is empty or NaN"),
        ([{"year": "1990", "rating": float("nan")}], "film 1: its rating is empty or NaN"),
        ([{"year": "soon", "rating": "5"}], "its year is 'soon', not a number"),
        ([{"year": "1990", "rating": "inf"}], "its rating is infinite"),
        ([{"year": "", "rating": "5"}], "none of its 1 films has a year"),
        ([{"year": "1990.5", "rating": "5"}], "film 1: its year is 1990.5; give a whole number"),
        ([{"year": "90", "rating": "5"}], "its year is 90; give a whole number of four digits"),
        ([{"title;year;rating": "a;1990;5"}], "'title;year;rating'; part the cells by commas"),
    ],
)  # fmt: skip
def test_unusable_rows_are_named(rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(UserInputError, match=said) as failure:
        _read(*rows)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("A, B, A", ("A", "B")),
        ("A|B, Jr.", ("A", "B, Jr.")),
        ("Ann (novel), Bob (screenplay)", ("Ann", "Bob")),
        ("||", ()),
        ("", ()),
    ],
)
def test_names_of_a_cell(cell: str, names: tuple[str, ...]) -> None:
    assert split_names(cell) == names


def test_columns_are_found_by_their_name_and_refused_twice() -> None:
    names = header("films.csv", [" Year", "RATING", None, None, "notes", "Notes"])
    assert names == ("year", "rating", "", "", "notes", "notes")
    assert header("films.csv", ["title_year", "year"]) == ("title_year", "year")
    for twice in (["year", "rating", "Rating "], ["actor_1_name", "actor_1_name"]):
        with pytest.raises(UserInputError, match="2 columns are named") as failure:
            header("films.csv", twice)
        assert "\n" not in str(failure.value)
