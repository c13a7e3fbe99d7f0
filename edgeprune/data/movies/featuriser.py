"""From films to rows of numbers: fitted on training films, kept beside the network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeprune.data.movies.categorical import CategoricalFeatures
from edgeprune.data.movies.film import Film
from edgeprune.data.movies.numerical import NumericalFeatures
from edgeprune.data.movies.social import SocialFeatures
from edgeprune.data.movies.textual import TextualFeatures
from edgeprune.errors import CorruptFileError, UserInputError

FORMAT: Final = "edgeprune-movie-features-1"
_KINDS: Final[Mapping[str, Any]] = {
    "social": SocialFeatures,
    "textual": TextualFeatures,
    "categorical": CategoricalFeatures,
    "numerical": NumericalFeatures,
}
GROUPS: Final = (*_KINDS, "visual")
# What lies further out, after scaling, is a mistake or a blockbuster. Beyond the training
# films' own range, such as in later years, nothing was learnt: the nearest end stands for it.
_FURTHEST: Final = 8.0
# Columns of zeros and ones and of topics have a scale of their own; the rare ones would be blown up
# if each was standardised. The few numbers are to weigh as much as the many columns beside them.
_SCALES: Final[Mapping[str, float | None]] = {
    "social": 1.0,
    "textual": None,
    "categorical": None,
    "numerical": 2.0,
    "visual": 1.0,
}


class _Features(Protocol):
    @property
    def names(self) -> tuple[str, ...]: ...

    def transform(self, films: Sequence[Film]) -> NDArray[np.float64]: ...

    def as_plain(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class MovieFeaturiser:
    """What was learnt from training films, group by group.

    Attributes:
        groups: fitted features by group; `visual` has none.
        names: of the columns.
        centre: (columns,) mean over the training films in which a column is known.
        scale: (columns,) what the distance from it is divided by: their deviation, as a rule.
        low: (columns,) least value of the training films, scaled.
        high: (columns,) largest one.
        gaps: columns that get another one beside them that says whether it is known.
    """

    groups: Mapping[str, _Features | None]
    names: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    gaps: tuple[int, ...]

    @classmethod
    def fit(
        cls, films: Sequence[Film], groups: Sequence[str], visual: NDArray[np.float64] | None = None
    ) -> MovieFeaturiser:
        """Learn words, people and scales from training films.

        Args:
            groups: some of `GROUPS`.
            visual: (films, features), where `visual` is a group.

        Raises:
            UserInputError: a group says nothing about these films.
        """
        fitted: dict[str, _Features | None] = {
            group: _KINDS[group].fit(films) if group in _KINDS else None for group in groups
        }
        table = _table(fitted, films, visual)
        known = ~np.isnan(table)
        counts = known.sum(0)
        filled = np.where(known, table, 0.0)
        centre = filled.sum(0) / np.maximum(counts, 1)
        spread = np.where(known, table - centre, 0.0)
        deviation = np.sqrt((spread**2).sum(0) / np.maximum(counts, 1))
        if not (deviation > 0).any():
            raise UserInputError(f"the films say nothing by which the group {', '.join(groups)} "
                                 "tells them apart: fill its columns, or leave it out")  # fmt: skip
        gaps = np.flatnonzero((counts < len(films)) & (counts > 0))
        names = [
            f"{group}.{name}"
            for group, features in fitted.items()
            for name in (features.names if features else _numbered(visual))
        ]
        weights = [_SCALES[name.split(".")[0]] for name in names]
        scale = np.array(
            [1.0 if w is None or d == 0 else d / w for w, d in zip(weights, deviation, strict=True)]
        )
        scaled = spread / scale
        low, high = scaled.min(0).clip(-_FURTHEST), scaled.max(0).clip(max=_FURTHEST)
        return cls(fitted, tuple(names), centre, scale, low, high, tuple(gaps.tolist()))

    @property
    def width(self) -> int:
        """Numbers per film."""
        return len(self.names) + len(self.gaps)

    def transform(
        self, films: Sequence[Film], visual: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """(films, width) scaled numbers; 0 stands where nothing is known."""
        table = _table(self.groups, films, visual)
        known = ~np.isnan(table)
        scaled = np.where(known, (table - self.centre) / self.scale, 0.0)
        flags = known[:, list(self.gaps)].astype(np.float64)
        whole = np.column_stack([scaled.clip(self.low, self.high), flags])
        return np.ascontiguousarray(whole, dtype=np.float32)

    def to_json(self) -> str:
        """All that was learnt."""
        plain = {name: f.as_plain() if f else None for name, f in self.groups.items()}
        values = {
            "format": FORMAT,
            "groups": plain,
            "names": list(self.names),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "gaps": list(self.gaps),
        }
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def load(cls, path: Path) -> MovieFeaturiser:
        """Read what `to_json` wrote.

        Raises:
            CorruptFileError: the file is no such thing.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']!r}")
            centre, scale, low, high = (
                np.array(values[key], dtype=np.float64)
                for key in ("centre", "scale", "low", "high")
            )
            groups = {
                name: _KINDS[name].from_plain(plain) if plain is not None else None
                for name, plain in values["groups"].items()
            }
            gaps = tuple(values["gaps"])
            return cls(groups, tuple(values["names"]), centre, scale, low, high, gaps)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptFileError(f"{path}: not a movie featuriser ({error})") from error


def _table(
    groups: Mapping[str, _Features | None],
    films: Sequence[Film],
    visual: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    parts = []
    for group, features in groups.items():
        if features is not None:
            parts.append(features.transform(films))
        elif visual is None:
            raise UserInputError(f"the group {group} needs an array with a row per film")
        else:
            parts.append(visual)
    return np.concatenate(parts, axis=1)


def _numbered(visual: NDArray[np.float64] | None) -> list[str]:
    assert visual is not None
    return [str(number) for number in range(visual.shape[1])]
