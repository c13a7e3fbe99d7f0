"""The ImageFolder layout: train/<class>/…, and val/<class>/… or test/<class>/… or both."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from edgeprune.data.decode import EXTENSIONS
from edgeprune.errors import UserInputError

_SPLITS = ("train", "val", "test")
_LAYOUT = "expected train/<class>/*.jpg and the same below val/ or test/ or both"


@dataclass(frozen=True)
class Layout:
    """Which file is what.

    Attributes:
        classes: names, sorted.
        files: for every split found, (file number, class number) in the order of the names.
    """

    classes: tuple[str, ...]
    files: dict[str, list[tuple[int, int]]]


def read_layout(origin: str, names: list[str]) -> Layout:
    """Sort files into splits and classes; a warning names classes that val or test lack.

    Args:
        origin: the folder or archive, for messages.
        names: relative POSIX paths of all its files, and of empty folders with a slash at the
            end. One folder around everything is allowed.

    Raises:
        UserInputError: one line when a split or class is missing, empty or unknown.
    """
    paths = _unwrapped([tuple(name.split("/")) for name in names])
    found: dict[str, dict[str, list[int]]] = {}
    for number in sorted(range(len(names)), key=lambda i: names[i]):
        parts = paths[number]
        if len(parts) >= 3 and parts[0] in _SPLITS:
            members = found.setdefault(parts[0], {}).setdefault(parts[1], [])
            if parts[-1].lower().endswith(EXTENSIONS):
                members.append(number)
    _check(origin, found, paths)
    classes = tuple(sorted(found["train"]))
    numbers = {name: i for i, name in enumerate(classes)}
    files = {
        split: [(i, numbers[name]) for name in sorted(members) for i in members[name]]
        for split, members in found.items()
    }
    return Layout(classes, files)


def _unwrapped(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    tops = {parts[0] for parts in paths if len(parts) > 1}
    inner = {parts[1] for parts in paths if len(parts) > 2}
    if len(tops) == 1 and "train" in inner and "train" not in tops:
        return [parts[1:] for parts in paths]
    return paths


def _check(
    origin: str, found: dict[str, dict[str, list[int]]], paths: list[tuple[str, ...]]
) -> None:
    if not any(parts[-1].lower().endswith(EXTENSIONS) for parts in paths):
        raise UserInputError(f"{origin}: no images ({', '.join(EXTENSIONS)}); {_LAYOUT}")
    if "train" not in found:
        raise UserInputError(f"{origin}: no train/ with class folders; {_LAYOUT}")
    if "val" not in found and "test" not in found:
        raise UserInputError(f"{origin}: neither val/ nor test/; {_LAYOUT}")
    for split, members in found.items():
        for name, numbers in members.items():
            if not numbers:
                raise UserInputError(f"{origin}: no images in {split}/{name}")
            if name not in found["train"]:
                raise UserInputError(
                    f"{origin}: class {name!r} of {split}/ is not in train/; "
                    "name the class folders alike"
                )
        missing = sorted(set(found["train"]) - set(members))
        if missing:
            warnings.warn(
                f"{origin}: {split}/ has no images of {len(missing)} class(es), first {missing[0]}",
                stacklevel=2,
            )
