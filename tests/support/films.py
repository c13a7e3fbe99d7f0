"""Composed films whose rating follows from their director, genre, length and words."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

COLUMNS = (
    "title", "text", "year", "rating", "director", "writer", "cast", "genre", "country",
    "language", "certificate", "runtime", "votes",
)  # fmt: skip
_WORDS = {True: "a masterful moving triumph", False: "a dull tired mess"}


def film_rows(count: int = 240, seed: int = 0) -> list[dict[str, str]]:
    """Films of 1990 to 2009, twelve a year where there are 240."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        director, actor = int(rng.integers(12)), int(rng.integers(20))
        good, drama = bool(rng.integers(2)), bool(rng.integers(2))
        runtime = float(rng.normal(105, 15))
        rating = (
            5.5 + 0.15 * director + 0.8 * drama + 0.5 * good + 0.02 * (runtime - 105)
            + float(rng.normal(0, 0.3))
        )  # fmt: skip
        rows.append({
            "title": f"Film {number}", "text": _WORDS[good],
            "year": str(1990 + number * 20 // count),
            "rating": f"{rating:.2f}", "director": f"Director {director}",
            "writer": f"Director {director}|Writer {number % 7}", "cast": f"Actor {actor}",
            "genre": "Drama|History" if drama else "Comedy", "country": "USA",
            "language": "English", "certificate": "PG", "runtime": f"{runtime:.0f}",
            "votes": str(int(rng.integers(100, 100_000))),
        })  # fmt: skip
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, str]], columns: Sequence[str] = COLUMNS) -> Path:
    """Write the columns of the rows."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path
