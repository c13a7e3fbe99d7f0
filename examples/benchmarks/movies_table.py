"""The paper's Table 4 on our films: three methods, four feature groups and all of them, two sizes.

    python examples/benchmarks/movies_table.py bokeh_sampledata-2024.2-py3-none-any.whl

For every feature group a 1-D CNN is trained as the teacher; a smaller one is pruned under it with
SP-SAD, LTH-SAD and SS-SAD to 55 % and 30 % of its parameters, and trained whole with SAD as what
they are compared with. The mean rating, ridge regression and gradient-boosted trees on the same
features stand beside them. Runs are folders below `--runs`: what was interrupted goes on where it
was. Each call writes the rows of all that is finished, as JSON and as a table.

Not the paper's data (its join of IMDB-5000 with texts and posters is not published): figures of
the same films compare with each other, the paper's compare with its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from edgeprune.atomic import write_text_atomic
from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain
from edgeprune.report.run_files import load_predictions
from edgeprune.report.run_report import REPORT_NAME, RunReport, load_report
from edgeprune.statistics import metric_difference

_RESULTS = Path(__file__).resolve().parent / "results"
GROUPS = ("all", "social", "textual", "categorical", "numerical")
METHODS = ("lth_sad", "sp_sad", "ss_sad")
KEPT = (0.55, 0.3)
# arXiv 2401.10484, LTH-SAD with 45 % of the size gone: (MAE, MSE).
PAPER = {
    "social": (0.81, 1.106),
    "textual": (0.871, 1.319),
    "categorical": (0.821, 1.151),
    "numerical": (0.861, 1.255),
}
_TOLERANCE = 0.02  # of the dense student's MSE
BASELINES = ("constant", "ridge", "gradient-boosted trees")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("films", type=Path, help="the wheel, or another file of films")
    parser.add_argument("--groups", nargs="+", default=list(GROUPS), choices=GROUPS)
    parser.add_argument("--teacher", default="movie_cnn")
    parser.add_argument("--student", default="movie_cnn_1_16")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs/bench/movies"))
    parser.add_argument("--results", type=Path, default=_RESULTS / "movies.json")
    return parser.parse_args(argv)


def order(groups: Sequence[str]) -> Iterator[tuple[str, str, float]]:
    """All features first, then what the paper has a row of, then the others."""
    cells = [(g, m, k) for g in groups for k in KEPT for m in METHODS]
    return iter(sorted(cells, key=lambda c: (c[0] != "all", c[1:] != (METHODS[0], KEPT[0]))))


def main(argv: Sequence[str]) -> int:
    """Make the runs that are not made yet, writing the table after each."""
    args = parse(argv)
    torch.set_num_threads(1)
    for group, method, kept in order(args.groups):
        run(args, group, method, kept)
        write(args)
    return 0


def run(args: argparse.Namespace, group: str, method: str, kept: float) -> RunReport:
    """One cell of the table; the first of a group trains the dense student as well."""
    data = f"movies:{args.films}:{group}"
    teacher = args.runs / f"{group}.pt"
    pretrain(args.teacher, data, teacher, epochs=args.teacher_epochs, seed=args.seed, device="cpu")
    return compress(
        teacher,
        args.student,
        data,
        method,
        out=folder(args, group, method, kept),
        controls=("dense",) if (method, kept) == (METHODS[0], KEPT[0]) else (),
        device="cpu",
        teacher_cache=args.runs / "cache",
        show_progress=True,
        seed=args.seed,
        epochs=args.epochs,
        batch_size=args.batch_size,
        target_params=kept,
        round_to=2,
        lr=0.05,
        weight_decay=5e-3,
        alpha=0.5,
        beta=2.0,
    )


def folder(args: argparse.Namespace, group: str, method: str, kept: float) -> Path:
    """Where a run lies."""
    return Path(args.runs) / f"{group}-{method}-{kept:g}"


def write(args: argparse.Namespace) -> None:
    """The finished rows as JSON and as a table beside it."""
    rows = [row for group in args.groups for row in group_rows(args, group)]
    settings = {name: str(value) for name, value in vars(args).items() if name != "results"}
    settings["films"] = args.films.name
    content = {"settings": settings, "paper_lth_sad_45": PAPER, "rows": rows}
    write_text_atomic(args.results, json.dumps(content, indent=1) + "\n")
    write_text_atomic(args.results.with_suffix(".md"), markdown(rows))


def group_rows(args: argparse.Namespace, group: str) -> list[dict[str, Any]]:
    """A group's rows: what needs no network, teacher, dense student, and the finished methods."""
    first = folder(args, group, METHODS[0], KEPT[0])
    if not (first / REPORT_NAME).exists():
        return []
    report, held = load_report(first), load_predictions(first)
    assert held is not None
    errors = report.extra["regression"]["errors"]
    rows = [{"group": group, "network": name, **errors[name]} for name in BASELINES]
    rows.append({"group": group, "network": "teacher", "params": report.teacher["params"],
                 **errors["teacher"]})  # fmt: skip
    dense, targets = held["control_dense"], held["targets"]
    rows.append({"group": group, "network": "dense SAD student",
                 "params": report.dense_student["params"], **errors["control_dense"]})  # fmt: skip
    for kept in KEPT:
        for method in METHODS:
            place = folder(args, group, method, kept)
            if not (place / REPORT_NAME).exists():
                continue
            found, predictions = load_report(place), load_predictions(place)
            assert predictions is not None
            figures = found.extra["regression"]["errors"]["student"]
            ratio = figures["mse"] / errors["control_dense"]["mse"]
            lead = metric_difference(predictions["student"], dense, targets)
            rows.append({
                "group": group, "network": method, "params": found.student["params"],
                "size_reduction": found.size_reduction, "onnx_bytes": found.onnx["bytes"],
                "onnx_max_abs_error": found.onnx["max_abs_error"], **figures,
                "mse_against_dense": ratio - 1, "minus_dense": asdict(lead),
                "minus": found.extra["regression"]["student_minus"],
                "within_2_percent": ratio <= 1 + _TOLERANCE,
            })  # fmt: skip
    return rows


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as people read them."""
    lines = [
        "| features | network | parameters | size | MSE [95 %] | MAE [95 %] | MSE against dense |"
        " paper's LTH-SAD, −45 % (its own films): MAE / MSE |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        paper = PAPER.get(row["group"])
        published = row["network"] == METHODS[0] and row.get("size_reduction", 1) < 0.6 and paper
        params = f"{row['params']:,}" if "params" in row else ""
        size = f"−{100 * row['size_reduction']:.0f} %" if "size_reduction" in row else ""
        against = ""
        if "minus_dense" in row:
            low, high = row["minus_dense"]["low"], row["minus_dense"]["high"]
            against = f"{100 * row['mse_against_dense']:+.1f} % [{low:+.3f}, {high:+.3f}]"
        lines.append(
            f"| {row['group']} | {row['network']} | {params} | {size} | {_with(row, 'mse')} | "
            f"{_with(row, 'mae')} | {against} | "
            f"{f'{published[0]} / {published[1]}' if published else ''} |"
        )
    return "\n".join(lines) + "\n"


def _with(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
