"""Ids of table rows, checked where samples come in: no runtime does it as one would hope.

ONNX Runtime counts a negative id from the table's end and ends a run at a large one with a line
about its own node; TensorRT promises nothing about either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from edgeprune.device.errors import DeviceError
from edgeprune.device.onnx.file import read_onnx

METADATA = "ids"


class UnknownIdError(DeviceError):
    """An id that no table has; exit code 2."""

    exit_code = 2


@dataclass(frozen=True)
class IdRows:
    """The ids that an input may hold.

    Attributes:
        rows: of each column of the last axis: ids are at least 0 and below this; 0 for a column
            that takes any.
        columns: their names; empty where they have none.
    """

    rows: tuple[int, ...]
    columns: tuple[str, ...] = ()

    def check(self, name: str, values: np.ndarray) -> None:
        """Look at an input.

        Args:
            name: of the input, for messages.
            values: of shape (samples, ..., columns).

        Raises:
            UnknownIdError: an id that a column has not, or another number of columns.
        """
        if not values.ndim or values.shape[-1] != len(self.rows) or values.dtype != np.int64:
            raise UnknownIdError(
                f"input {name}: {values.dtype} of shape {values.shape}: give int64 ids in "
                f"{len(self.rows)} columns"
            )
        rows = np.asarray(self.rows, np.int64)
        wrong = ((values < 0) | (values >= rows)) & (rows > 0)
        if wrong.any():
            place = np.argwhere(wrong)[0]
            column = int(place[-1])
            called = f" ({self.columns[column]})" if self.columns else ""
            raise UnknownIdError(
                f"input {name}, column {column}{called}, sample {int(place[0])}: id "
                f"{int(values[tuple(place)])} is not in the table, which has 0 to "
                f"{self.rows[column] - 1}: give what is not known the id 0"
            )


def id_rows_from(noted: Any) -> dict[str, IdRows]:
    """By input, from what `edgeprune export` notes in a file's metadata; none of it is no error."""
    if not isinstance(noted, Mapping):
        return {}
    return {
        str(name): IdRows(
            tuple(map(int, entry["rows"])), tuple(map(str, entry.get("columns") or ()))
        )
        for name, entry in noted.items()
    }


def id_rows_of(path: Path) -> dict[str, IdRows]:
    """The same, of an ONNX file."""
    return id_rows_from(read_onnx(path).json_metadata(METADATA))


def check_ids(known: Mapping[str, IdRows], feed: Mapping[str, np.ndarray]) -> None:
    """Look at all inputs of a request.

    Raises:
        UnknownIdError: see `IdRows.check`.
    """
    for name, ids in known.items():
        if name in feed:
            ids.check(name, feed[name])
