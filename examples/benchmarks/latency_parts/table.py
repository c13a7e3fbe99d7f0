"""What the finished runs say: budgets, what was reached, and the accuracies' paired difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from edgeprune.report.numerals import ABSENT, interval
from edgeprune.report.run_files import load_predictions
from edgeprune.statistics import DifferenceInterval, accuracy_difference, over_seeds
from latency_parts.runs import ARMS, OURS, UNIFORM, Runs


def as_dict(runs: Runs, seeds: Sequence[int]) -> dict[str, Any]:
    """The table, for JSON: milliseconds, top-1 in percent, differences in points."""
    return {
        "settings": asdict(runs.settings),
        "dense_ms": runs.dense_ms(),
        "seeds": list(seeds),
        "rows": [_row(runs, budget, seeds) for budget in runs.settings.budgets],
    }


def terminal_table(result: Mapping[str, Any]) -> Table:
    """The same, for rich."""
    settings = result["settings"]
    title = (
        f"{settings['network']}, {settings['data']}, {settings['train_limit']:,} images, "
        f"{settings['epochs']} epochs, dense {result['dense_ms']:.3f} ms on "
        f"{settings['threads']} thread; of each seed: asked, reached / asked (rounds)"
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("dense ×", "arm", "asked ms", "reached / asked", "params", "MMACs", "top-1 %"):
        table.add_column(heading, justify="right" if heading != "arm" else "left")
    table.add_column("search − uniform", justify="right")
    table.add_column("search / uniform ms", justify="right")
    table.add_column("search s", justify="right")
    for row in result["rows"]:
        for arm in ARMS:
            found = row["arms"][arm]
            if not found["runs"]:
                continue
            is_ours = arm == OURS
            asked = ", ".join(f"{r['asked_ms']:g}" for r in found["runs"])
            reached = ", ".join(f"{r['used']:.3f} ({r['rounds']})" for r in found["runs"])
            beside = ", ".join(f"{b['ratio']:.2f}" for b in row["beside"] if b) or ABSENT
            seconds = [r["search"]["seconds"] for r in found["runs"] if r["search"]]
            difference = row["search_minus_uniform"]
            table.add_row(
                "" if is_ours else f"{row['budget']:g}",
                arm,
                asked,
                reached,
                f"{np.mean([r['params'] for r in found['runs']]):,.0f}",
                f"{np.mean([r['macs'] for r in found['runs']]) / 1e6:.2f}",
                _spoken(found["top1"]),
                _difference(difference) if is_ours else "",
                beside if is_ours else "",
                f"{np.mean(seconds):.0f}" if seconds else "",
            )
    return table


def _row(runs: Runs, budget: float, seeds: Sequence[int]) -> dict[str, Any]:
    arms = {arm: _arm(runs, budget, arm, seeds) for arm in ARMS}
    return {
        "budget": budget,
        "arms": arms,
        "search_minus_uniform": _minus(runs, budget, seeds),
        "beside": [runs.side_by_side(budget, seed) for seed in seeds],
    }


def _arm(runs: Runs, budget: float, arm: str, seeds: Sequence[int]) -> dict[str, Any]:
    found = []
    for seed in seeds:
        report = runs.report(budget, arm, seed)
        if report is None or report.target is None:
            continue
        measured = report.extra["measured_budget"]
        found.append(
            {
                "seed": seed,
                "asked_ms": report.target["asked"],
                "reached_ms": report.target["reached"],
                "used": report.target["reached"] / report.target["asked"],
                "interval": [
                    measured["student"]["target_latency_ms"][end] for end in ("low", "high")
                ],
                "rounds": len(measured["rounds"]),
                "planned_rounds": len(measured["planned"]),
                "first_prediction": measured["planned"][0],
                "search": _search(measured.get("search")),
                "params": report.student["params"],
                "macs": report.student["macs"],
                "top1": report.student["metric"],
                "teacher_top1": report.teacher["metric"],
                "widths": {w["name"]: w["width_after"] for w in report.extra["layers"]},
            }
        )
    top1 = asdict(over_seeds([run["top1"] for run in found])) if found else None
    return {"runs": found, "top1": top1}


def _search(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The candidates without what led to them; None where nothing was searched."""
    if found is None:
        return None
    kept = [
        {"widths": list(one["widths"].values()), "loss": one["loss"], "measured": one["measured"]}
        for one in found["candidates"]
    ]
    return {"seconds": found["seconds"], "candidates": kept}


def _minus(runs: Runs, budget: float, seeds: Sequence[int]) -> dict[str, Any] | None:
    pairs = []
    for seed in seeds:
        folders = [runs.folder(budget, arm, seed) for arm in (OURS, UNIFORM)]
        if any(runs.report(budget, arm, seed) is None for arm in (OURS, UNIFORM)):
            continue
        pairs.append([load_predictions(folder) for folder in folders])
    if not pairs:
        return None
    found = accuracy_difference(
        np.stack([ours["student"] for ours, _ in pairs]),
        np.stack([uniform["student"] for _, uniform in pairs]),
        pairs[0][0]["targets"],
    )
    return asdict(found)


def _spoken(summary: Mapping[str, Any]) -> str:
    deviation = "" if summary["std"] is None else f" ± {summary['std']:.2f}"
    return f"{summary['mean']:.2f}{deviation}"


def _difference(found: Mapping[str, Any] | None) -> str:
    return ABSENT if found is None else interval(DifferenceInterval(**found))
