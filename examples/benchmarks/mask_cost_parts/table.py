"""What the finished runs say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.table import Table

from edgeprune.errors import CorruptFileError
from edgeprune.report.numerals import ABSENT, interval, share
from edgeprune.report.run_files import load_predictions
from edgeprune.statistics import (
    DifferenceInterval,
    accuracy_difference,
    over_seeds,
)
from mask_cost_parts.runs import DENSE, MASKS, Runs

Answers = Mapping[int, Mapping[str, NDArray[Any]]]  # by seed: `predicted` and `targets`


def as_dict(
    runs: Runs, methods: Sequence[str], masks: Sequence[str], seeds: Sequence[int]
) -> dict[str, Any]:
    """The table, for JSON: top-1 in percent, differences in points."""
    dense = _dense(runs, seeds)
    return {
        "setting": runs.setting.name,
        "student": runs.student,
        "keep_share": runs.keep_share,
        "epochs": runs.epochs,
        "seeds": list(seeds),
        "dense": asdict(_top1(dense)) if dense else None,
        "rows": [
            _row(runs, method, mask, seeds, dense)
            for method in methods
            for mask in masks
            if _students(runs, method, mask, seeds)
        ],
    }


def terminal_table(result: Mapping[str, Any]) -> Table:
    """The same, for rich."""
    dense = result["dense"]
    title = (
        f"{result['setting']}, {result['student']}: {result['keep_share']:.0%} of the weights "
        f"kept, {result['epochs']} epochs"
        + ("" if dense is None else f"; dense with SAD {_spoken(dense)} %")
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("method", "mask", "seeds", "zeros", "top-1 %", "− dense", "− mask of weights"):
        table.add_column(heading, justify="left" if heading in ("method", "mask") else "right")
    for row in result["rows"]:
        cells = [row["method"], row["mask"], str(row["top1"]["count"]), share(row["zeros"])]
        cells += [_spoken(row["top1"]), _difference(row["minus_dense"])]
        table.add_row(*cells, _difference(row["minus_weight"]))
    return table


def _row(
    runs: Runs, method: str, mask: str, seeds: Sequence[int], dense: Answers
) -> dict[str, Any]:
    mine = _students(runs, method, mask, seeds)
    free = next(iter(MASKS))
    reports = [runs.report(method, mask, seed) for seed in mine]
    zeros = [report.student["mask_sparsity"] for report in reports if report is not None]
    return {
        "method": method,
        "mask": mask,
        "zeros": float(np.mean(zeros)),
        "top1": asdict(_top1(mine)),
        "minus_dense": _minus(mine, dense),
        "minus_weight": None
        if mask == free
        else _minus(mine, _students(runs, method, free, seeds)),
    }


def _dense(runs: Runs, seeds: Sequence[int]) -> Answers:
    return _answers({seed: runs.dense_folder(seed) for seed in seeds}, f"control_{DENSE}")


def _students(runs: Runs, method: str, mask: str, seeds: Sequence[int]) -> Answers:
    return _answers({seed: runs.folder(method, mask, seed) for seed in seeds}, "student")


def _answers(folders: Mapping[int, Any], network: str) -> Answers:
    found = {}
    for seed, folder in folders.items():
        predictions = load_predictions(folder) if folder.exists() else None
        if predictions is not None and network in predictions:
            found[seed] = {"predicted": predictions[network], "targets": predictions["targets"]}
    return found


def _top1(answers: Answers) -> Any:
    return over_seeds(
        [100.0 * float((a["predicted"] == a["targets"]).mean()) for a in answers.values()]
    )


def _minus(first: Answers, second: Answers) -> dict[str, Any] | None:
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    targets = first[shared[0]]["targets"]
    for seed in shared:
        for side in (first, second):
            if not np.array_equal(side[seed]["targets"], targets):
                raise CorruptFileError("the runs were tested on different images")
    found = accuracy_difference(
        np.stack([first[seed]["predicted"] for seed in shared]),
        np.stack([second[seed]["predicted"] for seed in shared]),
        targets,
    )
    return asdict(found)


def _spoken(summary: Mapping[str, Any]) -> str:
    deviation = "" if summary["std"] is None else f" ± {summary['std']:.2f}"
    return f"{summary['mean']:.2f}{deviation}"


def _difference(found: Mapping[str, Any] | None) -> str:
    return ABSENT if found is None else interval(DifferenceInterval(**found))
