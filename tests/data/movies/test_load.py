"""From a file to splits that a network can take."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from films import COLUMNS, film_rows, write_csv

from edgeprune.data import load_data
from edgeprune.data.movies import MovieFeaturiser, read_films
from edgeprune.data.movies.split import default_test_year
from edgeprune.errors import CorruptFileError, UserInputError


@pytest.fixture
def films_csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "films.csv", film_rows())


def _rows(spec: str, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    data = load_data(spec, seed=0)
    batches = list(data.batches(split, batch_size=1000))  # type: ignore[arg-type]
    return batches[0].inputs[0], batches[0].targets


def test_films_are_split_in_time_and_standardised(films_csv: Path) -> None:
    data = load_data(f"movies:{films_csv}:all@2006", seed=0)
    assert (data.task, data.classes, data.size("test")) == ("regression", (), 48)
    assert data.size("train") + data.size("val") == 192
    inputs, targets = _rows(f"movies:{films_csv}:all@2006", "train")
    assert inputs.shape[2:] == (1, 1)
    assert targets.dtype == torch.float32
    assert inputs.isfinite().all()
    assert inputs.abs().max() <= 8
    assert abs(data.target_mean() - float(targets.mean())) < 1e-5


def test_by_default_the_last_fifth_tests(films_csv: Path) -> None:
    films = read_films(films_csv)
    assert default_test_year(films) == 2006
    assert default_test_year(films[-12:]) == 2009  # all of one year


def test_test_ratings_reach_no_input(tmp_path: Path) -> None:
    rows = film_rows()
    changed = [{**row, "rating": "1.0"} if int(row["year"]) >= 2006 else row for row in rows]
    for split in ("train", "test"):
        one, _ = _rows(f"movies:{write_csv(tmp_path / 'a.csv', rows)}:all@2006", split)
        other, _ = _rows(f"movies:{write_csv(tmp_path / 'b.csv', changed)}:all@2006", split)
        assert torch.equal(one, other)


def test_words_and_scales_are_of_training_films(tmp_path: Path) -> None:
    rows = film_rows()
    changed = [
        {**row, "text": "zeppelin", "runtime": "900"} if int(row["year"]) >= 2006 else row
        for row in rows
    ]
    spec = f"movies:{write_csv(tmp_path / 'a.csv', rows)}:textual+numerical@2006"
    other = f"movies:{write_csv(tmp_path / 'b.csv', changed)}:textual+numerical@2006"
    assert torch.equal(_rows(spec, "train")[0], _rows(other, "train")[0])


@pytest.mark.parametrize("group", ["social", "textual", "categorical", "numerical"])
def test_a_group_alone(films_csv: Path, group: str) -> None:
    inputs, _ = _rows(f"movies:{films_csv}:{group}", "test")
    whole, _ = _rows(f"movies:{films_csv}", "test")
    assert 1 < inputs.shape[1] < whole.shape[1]


def test_the_featuriser_is_kept_and_makes_the_same_inputs(films_csv: Path, tmp_path: Path) -> None:
    spec = f"movies:{films_csv}:all@2006"
    data = load_data(spec, seed=0)
    kept = tmp_path / "features.json"
    kept.write_text(data.attachments["features.json"], encoding="utf-8")
    new = [film for film in read_films(films_csv) if film.year >= 2006]
    rows = MovieFeaturiser.load(kept).transform(new)
    expected = _rows(spec, "test")[0].flatten(1).numpy()
    np.testing.assert_allclose(rows, expected, atol=1e-4)
    kept.write_text("{}")
    with pytest.raises(CorruptFileError, match="not a movie featuriser"):
        MovieFeaturiser.load(kept)


def test_visual_features_are_an_array_beside_the_file(films_csv: Path) -> None:
    with pytest.raises(UserInputError, match=r"films\.visual\.npy"):
        load_data(f"movies:{films_csv}:visual", seed=0)
    beside = films_csv.with_suffix(".visual.npy")
    np.save(beside, np.random.default_rng(0).standard_normal((240, 3)))
    assert _rows(f"movies:{films_csv}:visual", "test")[0].shape[1] == 3
    whole = MovieFeaturiser.fit(read_films(films_csv), ["numerical"]).width
    assert _rows(f"movies:{films_csv}:numerical+visual", "test")[0].shape[1] == whole + 3
    np.save(beside, np.zeros((10, 3)))
    with pytest.raises(UserInputError, match="at least 240 rows"):
        load_data(f"movies:{films_csv}:visual", seed=0)
    beside.write_bytes(b"\x93NUMPY")
    with pytest.raises(CorruptFileError, match="not a whole"):
        load_data(f"movies:{films_csv}:visual", seed=0)


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        (":all@1980", r"0 films came out before the test year 1980 .* give a later @YEAR"),
        (":all@2050", "no film came out in the test year 2050"),
        (":plot", "GROUP being all"),
        (":social+", "GROUP being all"),
    ],
)
def test_specs_that_split_or_name_nothing(films_csv: Path, tail: str, said: str) -> None:
    with pytest.raises(UserInputError, match=said) as failure:
        load_data(f"movies:{films_csv}{tail}", seed=0)
    assert "\n" not in str(failure.value)


def test_columns_that_a_group_needs(tmp_path: Path) -> None:
    rows = [{**row, "text": "", "title": ""} for row in film_rows(80)]
    empty = write_csv(tmp_path / "empty.csv", rows)
    with pytest.raises(UserInputError, match="title and text are empty"):
        load_data(f"movies:{empty}:textual", seed=0)
    without = [column for column in COLUMNS if column not in ("director", "writer", "cast")]
    no_people = write_csv(tmp_path / "no-people.csv", rows, without)
    with pytest.raises(UserInputError, match="group social"):
        load_data(f"movies:{no_people}:social", seed=0)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="pip download --no-deps bokeh-sampledata"):
        load_data(f"movies:{tmp_path / 'none.csv'}", seed=0)
    text = tmp_path / "films.txt"
    text.write_text("x")
    with pytest.raises(UserInputError, match=r"\.csv, \.parquet"):
        load_data(f"movies:{text}", seed=0)
    for name in ("films.db", "films.whl"):
        (tmp_path / name).write_bytes(b"nothing of the kind" * 100)
        with pytest.raises(CorruptFileError, match=name):
            load_data(f"movies:{tmp_path / name}", seed=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"year,rating\n1990,\xff\xfe", r"not a CSV in UTF-8 .* save it in that encoding"),
        (b"year,rating\n1990,5\n\n1991,6,7\n", "in line 4 has 3 cells, the header has 2"),
        (b"year,rating\n1990\n", "in line 2 has 1 cells, the header has 2"),
        (b'year,rating\n1990,"5\n1991,6\n', "not a CSV, at line 3 .*unexpected end of data"),
        (b"year,rating,rating\n1990,5,6\n", "2 columns are named 'rating'"),
        (b"", "no column 'year' .* the columns are 'none'"),
        (b"year,rating\n", "it holds no films"),
        (b"year,rating\n2000,5\n2000,6\n", "give a file with more films of earlier years"),
    ],
)
def test_a_csv_that_cannot_be_used(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_bytes(content)
    with pytest.raises((CorruptFileError, UserInputError), match=said) as failure:
        load_data(f"movies:{path}", seed=0)
    assert str(failure.value).startswith(f"{path}: ")
    assert "\n" not in str(failure.value)


def test_the_wheels_tables_are_joined_and_unrated_films_left_out(tmp_path: Path) -> None:
    database = tmp_path / "movies.db"
    with closing(sqlite3.connect(database)) as made, made:
        made.execute(
            'CREATE TABLE omdb (ID, Title, Year, Rating, Runtime, Genre, Director, Writer, "Cast",'
            " Country, Language, imdbRating, imdbVotes)"
        )
        made.execute("CREATE TABLE tomatoes (ID, Consensus, Reviews, userReviews, BoxOffice)")
        row = ("Film", 1990, "PG", 0.0, "Drama, War", "A B", "A B (play), C", "D, E", "USA", None)
        made.execute(f"INSERT INTO omdb VALUES (1, {', '.join('?' * 12)})", (*row, 6.5, 10))
        made.execute(f"INSERT INTO omdb VALUES (2, {', '.join('?' * 12)})", (*row, None, None))
        made.executemany("INSERT INTO tomatoes VALUES (?, 'Fine.', 7, NULL, NULL)", [(1,), (2,)])
    wheel = tmp_path / "sampledata.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(database, "bokeh_sampledata/_data/movies.db")
    assert read_films(wheel) == read_films(database)
    (film,) = read_films(wheel)
    assert (film.year, film.rating, film.text) == (1990, 6.5, "Film Fine.")
    assert film.names["writer"] == ("A B", "C")
    assert film.names["genre"] == ("Drama", "War")
    assert film.numbers == {"votes": 10.0, "critic_reviews": 7.0}


def test_parquet_where_pyarrow_is(films_csv: Path) -> None:
    pyarrow_csv = pytest.importorskip("pyarrow.csv", reason="needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = films_csv.with_suffix(".parquet")
    parquet.write_table(pyarrow_csv.read_csv(films_csv), path)
    assert read_films(path) == read_films(films_csv)
