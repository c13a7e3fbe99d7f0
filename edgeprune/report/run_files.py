"""What else a report is made of: the history of the training and the test predictions."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import CorruptFileError

HISTORY_NAME = "history.jsonl"
PREDICTIONS_NAME = "test_predictions.npz"

HistoryRow = Mapping[str, Any]
Predictions = Mapping[str, NDArray[Any]]

_TARGETS = "targets"


def load_history(folder: str | os.PathLike[str]) -> list[HistoryRow]:
    """The lines of a run's history, oldest first; empty where there is none.

    Raises:
        CorruptFileError: a line is no JSON object with a `stage` and an `epoch`.
    """
    path = Path(folder) / HISTORY_NAME
    if not path.exists():
        return []
    rows = []
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not _is_row(row):
            raise CorruptFileError(f"{path}, line {number} is no epoch; delete the file")
        rows.append(row)
    return rows


def _is_row(row: object) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("stage"), str)
        and isinstance(row.get("epoch"), int)
    )


def load_predictions(folder: str | os.PathLike[str]) -> Predictions | None:
    """Predicted class ids or values by network and the `targets`, each of shape (samples,).

    Returns:
        None where the run has no such file.

    Raises:
        CorruptFileError: the file is damaged or its arrays do not belong together.
    """
    path = Path(folder) / PREDICTIONS_NAME
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as failure:  # numpy, zipfile and zlib raise a dozen kinds on damaged bytes
        raise CorruptFileError(f"{path} is damaged; delete it to go without intervals") from failure
    targets = arrays.get(_TARGETS)
    if targets is None or targets.ndim != 1 or not targets.size:
        raise CorruptFileError(f"{path} holds no targets; delete it to go without intervals")
    for name, array in arrays.items():
        if array.shape != targets.shape or array.dtype.kind not in "iuf":
            raise CorruptFileError(
                f"{path}: '{name}' is no list of {targets.size} answers; delete the file"
            )
    return arrays
