"""Features of pictures, made by the user: an array with a row per film of the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.movies.film import Film
from edgeprune.errors import CorruptFileError, UserInputError


def visual_path(path: Path) -> Path:
    """Where the array of a file's films lies: `films.visual.npy` beside `films.csv`."""
    return path.with_suffix(".visual.npy")


def read_visual(path: Path, films: Sequence[Film]) -> NDArray[np.float64]:
    """(films, features), of a `.npy` of (rows of the file, features).

    Raises:
        UserInputError: there is no such array, or it does not fit the films.
        CorruptFileError: it cannot be read.
    """
    beside = visual_path(path)
    if not beside.is_file():
        raise UserInputError(
            f"{path}: the group visual needs {beside.name} beside it, an array with a row per film"
        )
    try:
        array = np.load(beside, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptFileError(f"{beside}: not a whole .npy array of numbers ({error})") from error
    last = max(film.row for film in films)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or len(array) <= last:
        raise UserInputError(
            f"{beside}: {array.dtype} {array.shape}; expected numbers of (rows of {path.name}, "
            f"features), at least {last + 1} rows"
        )
    chosen: NDArray[np.float64] = array[[film.row for film in films]].astype(np.float64)
    if not np.isfinite(chosen).all():
        raise UserInputError(f"{beside}: holds NaN or infinite numbers")
    return chosen
