"""A film as every reader gives it, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

PEOPLE: Final = ("director", "writer", "cast")
CATEGORIES: Final = ("genre", "country", "language", "certificate")
NUMBERS: Final = (
    "runtime",
    "votes",
    "critic_reviews",
    "user_reviews",
    "gross",
    "budget",
    "aspect_ratio",
)
LIKES: Final = ("director_likes", "cast_likes", "film_likes")
TEXTS: Final = ("title", "text")


@dataclass(frozen=True)
class Film:
    """What is known of one film.

    Attributes:
        year: of its release; decides the split.
        rating: what is to be predicted.
        names: people, by `PEOPLE`, and values, by `CATEGORIES`; each without repetition, in the
            file's order.
        numbers: values that are known, by `NUMBERS` and `LIKES`.
        text: title and text, one string.
        row: number of its row in the file, from 0.
    """

    year: int
    rating: float
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    text: str = ""
    row: int = 0
