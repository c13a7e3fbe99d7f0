"""People's records: of earlier years, of training films, and of nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.data.movies.film import Film
from edgeprune.data.movies.social import SocialFeatures

_FILMS = st.lists(
    st.builds(
        lambda year, rating, who: Film(year, rating, {"director": (who,), "cast": (who, "x")}),
        st.integers(1990, 1996),
        st.floats(1, 10),
        st.sampled_from("abc"),
    ),
    min_size=2,
    max_size=12,
)


def test_a_record_is_of_earlier_years_against_all_films_up_to_then() -> None:
    films = [
        Film(1990, 8.0, {"director": ("a",)}),
        Film(1991, 4.0, {"director": ("b",)}),
        Film(1992, 1.0, {"director": ("a",)}),
    ]
    table = SocialFeatures.fit(films).transform(films)
    columns = SocialFeatures.fit(films).names
    row = dict(zip(columns, table[2], strict=True))
    # One film rated 8 where the average was 6, and one average film that everyone is given.
    assert row["director_mean"] == (8.0 - 6.0) / 2
    assert row["director_latest"] == 2.0
    assert math.isnan(table[0, columns.index("director_mean")])
    assert table[1, columns.index("director_films")] == 0


@settings(max_examples=60, deadline=None)
@given(_FILMS, st.data())
def test_no_rating_of_its_year_or_later_enters_a_films_row(
    films: list[Film], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(films) - 1))
    chosen = films[number]
    changed = [
        replace(film, rating=film.rating / 2) if film.year >= chosen.year else film
        for film in films
    ]
    before = SocialFeatures.fit(films).transform([chosen])
    after = SocialFeatures.fit(changed).transform([chosen])
    np.testing.assert_array_equal(before, after)


@settings(max_examples=30, deadline=None)
@given(_FILMS)
def test_the_order_of_the_films_does_not_matter(films: list[Film]) -> None:
    one, other = SocialFeatures.fit(films), SocialFeatures.fit(films[::-1])
    np.testing.assert_allclose(one.transform(films), other.transform(films), rtol=1e-12)
