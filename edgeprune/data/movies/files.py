"""Films from a file: a CSV, a parquet table, an SQLite file, or the wheel that holds one."""

from __future__ import annotations

import csv
import importlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from edgeprune.data.movies.columns import films_of, header
from edgeprune.data.movies.film import Film
from edgeprune.errors import CorruptFileError, UnsupportedError, UserInputError

GET_IT: Final = "pip download --no-deps bokeh-sampledata==2024.2"
_IN_WHEEL: Final = "bokeh_sampledata/_data/movies.db"
# Scores of other critics (Metacritic, Tomatometer, users' scores) are left out: they are the
# target under another name.
_QUERY: Final = """
    SELECT omdb.Title AS title, tomatoes.Consensus AS text, omdb.Year AS year,
        omdb.imdbRating AS rating, omdb.Director AS director, omdb.Writer AS writer,
        omdb."Cast" AS "cast", omdb.Genre AS genre, omdb.Country AS country,
        omdb.Language AS language, omdb.Rating AS certificate,
        NULLIF(omdb.Runtime, 0) AS runtime, omdb.imdbVotes AS votes,
        tomatoes.Reviews AS critic_reviews, tomatoes.userReviews AS user_reviews,
        tomatoes.BoxOffice AS gross
    FROM omdb JOIN tomatoes ON omdb.ID = tomatoes.ID
    WHERE omdb.imdbRating IS NOT NULL ORDER BY omdb.ID
"""


def read_films(path: Path) -> list[Film]:
    """Read films in the file's order.

    Raises:
        UserInputError: there is no such file, its kind is unknown, or a column is missing.
        CorruptFileError: the file cannot be read.
        UnsupportedError: a parquet file, and no pyarrow.
    """
    if not path.is_file():
        raise UserInputError(
            f"--data movies:{path}: no such file; give a .csv, .parquet or .db, or the wheel of "
            f"`{GET_IT}`"
        )
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserInputError(f"{path}: give one of {', '.join(_READERS)}")
    return reader(path)


def _csv(path: Path) -> list[Film]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            names = header(str(path), next(reader, ()))
            rows = [_csv_row(path, reader.line_num, names, cells) for cells in reader if cells]
    except UnicodeDecodeError as error:
        raise CorruptFileError(
            f"{path}: not a CSV in UTF-8 ({error}); save it in that encoding"
        ) from error
    except csv.Error as error:
        raise CorruptFileError(
            f"{path}: not a CSV, at line {reader.line_num} ({error}); put a cell with commas or "
            "quotes into double quotes, and double those inside"
        ) from error
    return films_of(str(path), rows, names)


def _csv_row(path: Path, line: int, names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(names):
        raise CorruptFileError(
            f"{path}: the row that ends in line {line} has {len(cells)} cells, the header has "
            f"{len(names)}; put a cell with commas into double quotes"
        )
    return dict(zip(names, cells, strict=True))


def _parquet(path: Path) -> list[Film]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as missing:
        raise UnsupportedError(
            f"{path}: reading parquet needs pyarrow (pip install 'edgeprune[parquet]'); or give a "
            "CSV"
        ) from missing
    try:
        table = parquet.read_table(path)
    except Exception as error:  # pyarrow's own kinds, which need it to be named
        raise CorruptFileError(f"{path}: not a parquet table ({str(error)[:80]})") from error
    table = table.rename_columns(list(header(str(path), table.column_names)))
    rows = [{key: _joined(cell) for key, cell in row.items()} for row in table.to_pylist()]
    return films_of(str(path), rows, table.column_names)


def _joined(cell: Any) -> Any:
    """A list of names as one cell."""
    return "|".join(map(str, cell)) if isinstance(cell, list) else cell


def _sqlite(path: Path) -> list[Film]:
    try:
        with closing(sqlite3.connect(path.resolve().as_uri() + "?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            rows: list[Mapping[str, Any]] = [dict(row) for row in database.execute(_QUERY)]
    except sqlite3.Error as error:
        raise CorruptFileError(
            f"{path}: not the SQLite file with the tables omdb and tomatoes ({error}); `{GET_IT}`"
        ) from error
    return films_of(str(path), rows, list(rows[0]) if rows else ("year", "rating"))


def _wheel(path: Path) -> list[Film]:
    try:
        with zipfile.ZipFile(path) as wheel, tempfile.TemporaryDirectory() as folder:
            return _sqlite(Path(wheel.extract(_IN_WHEEL, folder)))
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise CorruptFileError(f"{path}: no whole wheel with {_IN_WHEEL}; `{GET_IT}`") from error


_READERS: Final[Mapping[str, Callable[[Path], list[Film]]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".db": _sqlite,
    ".sqlite": _sqlite,
    ".whl": _wheel,
}
