"""`X.json` beside `X.pt`: what a bare file of weights does not say about its images and classes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgeprune.errors import CorruptFileError
from edgeprune.wording import brief

_LARGEST: Final = 16 * 2**20


@dataclass(frozen=True)
class Sidecar:
    """Facts about a trained network.

    Attributes:
        path: the JSON file, whether it exists or not.
        mean: per channel, of images scaled to [0, 1]; None when not given.
        std: per channel; None when not given.
        classes: names in output order; None when not given.
        image_size: (height, width) in pixels; None when not given.
        metrics: the other numbers in the file, such as `val_top1`.
    """

    path: Path
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    classes: tuple[str, ...] | None = None
    image_size: tuple[int, int] | None = None
    metrics: dict[str, float] | None = None


def read_sidecar(model_path: str | os.PathLike[str]) -> Sidecar:
    """Read the JSON beside `model_path`; an empty `Sidecar` where there is none.

    Raises:
        CorruptFileError: the file is no JSON object, or an entry is of the wrong kind.
    """
    path = Path(model_path).with_suffix(".json")
    if not path.is_file() or path == Path(model_path):
        return Sidecar(path)
    values = _read(path)
    size = values.get("image_size")
    if isinstance(size, int):
        values["image_size"] = [size, size]
    image_size = _numbers(path, values, "image_size", whole=True)
    if image_size is not None and len(image_size) != 2:
        raise CorruptFileError(f"{path}: image_size must be one number, or height and width")
    return Sidecar(
        path=path,
        mean=_numbers(path, values, "mean"),
        std=_numbers(path, values, "std"),
        classes=_classes(path, values.get("classes")),
        image_size=(int(image_size[0]), int(image_size[1])) if image_size else None,
        metrics={key: value for key, value in values.items() if type(value) in (int, float)},
    )


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST:
        raise CorruptFileError(f"{path}: too large for a description of a model")
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError) as error:
        raise CorruptFileError(f"{path}: cannot be read as JSON: {brief(error)}") from error
    if not isinstance(values, dict):
        raise CorruptFileError(f'{path}: expected an object like {{"mean": ..., "std": ...}}')
    return values


def _numbers(
    path: Path, values: dict[str, Any], key: str, *, whole: bool = False
) -> tuple[float, ...] | None:
    found = values.get(key)
    if found is None:
        return None
    kinds = (int,) if whole else (int, float)
    if not isinstance(found, list) or not all(type(item) in kinds for item in found):
        raise CorruptFileError(f"{path}: {key} must be a list of numbers")
    return tuple(found)


def _classes(path: Path, found: Any) -> tuple[str, ...] | None:
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise CorruptFileError(f"{path}: classes must be a list of names")
    if len(set(found)) != len(found):
        raise CorruptFileError(f"{path}: classes names one of them twice")
    return tuple(found)
