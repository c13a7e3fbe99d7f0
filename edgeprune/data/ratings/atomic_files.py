"""RecBole's atomic files: tab-separated tables whose header gives every column's type.

`NAME.inter` holds interactions (`user_id:token`, `item_id:token`, `rating:float`,
`timestamp:float`), `NAME.user` and `NAME.item` what is known of users and items. They lie in a
folder, or in a zip or wheel.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import CorruptFileError, UserInputError

GET_IT: Final = "pip download --no-deps recbole==1.2.1"
_KINDS: Final = ("token", "token_seq", "float", "float_seq")
_ARCHIVES: Final = (".whl", ".zip")


@dataclass(frozen=True)
class Table:
    """One file.

    Attributes:
        where: the file, for messages.
        kinds: type of every column, by name, in the file's order.
        columns: cells of every column, by name, as they stand in the file.
    """

    where: str
    kinds: Mapping[str, str]
    columns: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def require(self, *names: str) -> None:
        """Refuse a file without one of these columns.

        Raises:
            UserInputError: one is missing.
        """
        for name in names:
            if name not in self.columns:
                raise UserInputError(
                    f"{self.where}: no column '{name}' among {', '.join(self.columns)}; its header "
                    f"needs {name}:{'float' if name in ('rating', 'timestamp') else 'token'}"
                )

    def line(self, row: int) -> str:
        """Where a row stands, for messages; the header is line 1."""
        return f"{self.where}, line {row + 2}"

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of finite numbers.

        Raises:
            UserInputError: a cell is none.
        """
        cells = self.columns[name]
        try:
            values = np.array(cells, dtype=np.float64)
        except ValueError:
            row = next(row for row, cell in enumerate(cells) if not _is_number(cell))
            raise UserInputError(
                f"{self.line(row)}: its {name} is {cells[row][:40]!r}, not a number"
            ) from None
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise UserInputError(
                f"{self.line(bad[0])}: its {name} is {cells[bad[0]][:40]!r}; leave the row out or "
                "give a finite number"
            )
        return values


def read_tables(path: Path) -> dict[str, Table]:
    """The tables `inter` and, where they lie beside it, `user` and `item`.

    Raises:
        UserInputError: there is no such folder or archive, or no single `.inter` file in it.
        CorruptFileError: a file is damaged.
    """
    names, read = _opened(path)
    found = [name for name in names if name.endswith(".inter")]
    if len(found) != 1:
        told = f"{len(found)} of them ({', '.join(sorted(found)[:3])})" if found else "none"
        raise UserInputError(
            f"--data ratings:{path}: needs one NAME.inter file, has {told}; `{GET_IT}` holds "
            "recbole/dataset_example/ml-100k"
        )
    stem = found[0].removesuffix(".inter")
    wanted = {kind: f"{stem}.{kind}" for kind in ("inter", "user", "item")}
    return {
        kind: _table(f"{path}/{PurePosixPath(name).name}", read(name))
        for kind, name in wanted.items()
        if name in names
    }


def _opened(path: Path) -> tuple[set[str], Callable[[str], bytes]]:
    if path.is_dir():
        names = {entry.name for entry in path.iterdir() if entry.is_file()}
        return names, lambda name: (path / name).read_bytes()
    if path.is_file() and path.suffix.lower() in _ARCHIVES:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise CorruptFileError(f"{path}: not a whole zip ({error}); `{GET_IT}`") from error
        return set(archive.namelist()), lambda name: _member(path, archive, name)
    wrong = "a file, not a folder" if path.is_file() else "no such folder"
    raise UserInputError(
        f"--data ratings:{path}: {wrong}; give the folder of NAME.inter, NAME.user and "
        f"NAME.item, or the wheel of `{GET_IT}`"
    )


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise CorruptFileError(f"{path}: {name} cannot be read ({error})") from error


def _table(where: str, content: bytes) -> Table:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{where}: not UTF-8 (byte {error.start}); save it as UTF-8") \
            from error  # fmt: skip
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    kinds = _kinds(where, lines[0])
    if len(lines) < 2:
        raise UserInputError(f"{where}: has a header and no rows; give at least one")
    rows = [line.split("\t") for line in lines[1:]]
    for number, row in enumerate(rows):
        if len(row) != len(kinds):
            raise CorruptFileError(
                f"{where}, line {number + 2}: {len(row)} cells, the header has {len(kinds)} columns"
            )
    return Table(where, kinds, dict(zip(kinds, zip(*rows, strict=True), strict=True)))


def _kinds(where: str, header: str) -> dict[str, str]:
    if not header.strip():
        raise UserInputError(f"{where}: empty; its first line names the columns, as user_id:token")
    kinds: dict[str, str] = {}
    for cell in header.split("\t"):
        name, colon, kind = cell.partition(":")
        if not colon or kind not in _KINDS or name in kinds:
            raise CorruptFileError(
                f"{where}: the header's {cell[:40]!r} is no new NAME:TYPE, TYPE being one of "
                f"{', '.join(_KINDS)}"
            )
        kinds[name] = kind
    return kinds


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
