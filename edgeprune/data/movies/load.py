"""`--data movies:FILE[:GROUP[+GROUP]][@YEAR]`: films whose rating is to be predicted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeprune.data.movies.featuriser import GROUPS, MovieFeaturiser
from edgeprune.data.movies.files import read_films
from edgeprune.data.movies.film import Film
from edgeprune.data.movies.split import default_test_year, split_by_year
from edgeprune.data.movies.visual import read_visual, visual_path
from edgeprune.data.samples import MemorySamples
from edgeprune.data.source import Labelled, Source
from edgeprune.digest import digest_of
from edgeprune.errors import UserInputError

FEATURES_FILE: Final = "features.json"
_ALL: Final = "all"
_YEAR: Final = re.compile(r"@(\d{4})$")


def load_movies(spec: str) -> Source:
    """Read films, split them in time, and turn each into a row of numbers.

    A film is float32 (width, 1, 1): its numbers are the channels. Training films are those before
    the year; vocabulary, scales and people's records come from them alone, and each of them sees
    only records of earlier years.

    Args:
        spec: what follows `movies:`.

    Raises:
        UserInputError: one line for an unknown group, a wrong file or a year that splits nothing.
        CorruptFileError: one line for a damaged file.
    """
    path, groups, year = _parse(spec)
    films = read_films(path)
    if not groups:
        with_pictures = visual_path(path).is_file()
        groups = tuple(group for group in GROUPS if group != "visual" or with_pictures)
    pictures = read_visual(path, films) if "visual" in groups else None
    year = year or default_test_year(films)
    before, after = split_by_year(str(path), films, year)
    try:
        featuriser = MovieFeaturiser.fit(before, groups, _of(before, films, pictures))
    except UserInputError as error:
        raise UserInputError(f"{path}: {error}") from error
    return Source(
        name=f"movies ({'+'.join(groups)}; tested from {year} on)",
        classes=(),
        image_size=(1, 1),
        channels=featuriser.width,
        train=_labelled(featuriser, before, _of(before, films, pictures)),
        test=_labelled(featuriser, after, _of(after, films, pictures)),
        mean=(0.0,) * featuriser.width,
        std=(1.0,) * featuriser.width,
        policy="none",
        task="regression",
        normalised=True,
        attachments={FEATURES_FILE: featuriser.to_json()},
        inputs_digest=digest_of([featuriser.names, featuriser.gaps]),
    )


def _parse(spec: str) -> tuple[Path, tuple[str, ...], int | None]:
    found = _YEAR.search(spec)
    rest = spec[: found.start()] if found else spec
    year = int(found[1]) if found else None
    name, colon, words = rest.rpartition(":")
    if not colon or "/" in words or "." in words:
        name, words = rest, _ALL
    groups = () if words == _ALL else tuple(dict.fromkeys(words.split("+")))
    unknown = [group for group in groups if group not in GROUPS]
    if unknown or not name:
        raise UserInputError(
            f"--data movies:{spec}: write movies:FILE[:GROUP][@YEAR], GROUP being all, "
            f"{', '.join(GROUPS)}, or some joined by +"
        )
    return Path(name).expanduser(), groups, year


def _of(
    chosen: list[Film], films: list[Film], pictures: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    """The rows of `pictures` (films, features) that belong to the chosen films."""
    if pictures is None:
        return None
    place = {film.row: number for number, film in enumerate(films)}
    rows: NDArray[np.float64] = pictures[[place[film.row] for film in chosen]]
    return rows


def _labelled(
    featuriser: MovieFeaturiser,
    films: list[Film],
    visual: NDArray[np.float64] | None,
) -> Labelled:
    rows = torch.from_numpy(featuriser.transform(films, visual))
    targets: Tensor = torch.tensor([film.rating for film in films], dtype=torch.float32)
    return Labelled(MemorySamples(rows[:, :, None, None]), targets)
