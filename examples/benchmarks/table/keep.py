"""What of a table's runs is worth keeping: enough to print the table again and to go on with it.

A table of several seeds takes longer than a machine may be had for. Reports, histories and test
predictions of finished runs are small and can stand in a repository; networks and states cannot.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from edgeprune.report.run_files import HISTORY_NAME, PREDICTIONS_NAME
from edgeprune.report.run_report import REPORT_NAME
from table.rows import Row

_KEPT = (REPORT_NAME, PREDICTIONS_NAME, HISTORY_NAME, "recipe.yaml")


def keep(
    rows: Iterable[Row], seeds: Iterable[int], folder: Callable[[Row, int], Path], into: Path
) -> None:
    """Copy what finished runs say of themselves to `into/seed-N/ROW`; `--out into` reads it."""
    for seed in seeds:
        for source in {folder(row, seed) for row in rows}:
            if not (source / REPORT_NAME).exists():
                continue
            target = into / f"seed-{seed}" / source.name
            target.mkdir(parents=True, exist_ok=True)
            for name in _KEPT:
                shutil.copyfile(source / name, target / name)
