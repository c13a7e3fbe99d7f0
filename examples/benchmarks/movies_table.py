"""The paper's Table 4 on our films: three methods, four feature groups and all of them, two sizes.

    python examples/benchmarks/movies_table.py bokeh_sampledata-2024.2-py3-none-any.whl
    python examples/benchmarks/movies_table.py WHEEL --groups social --methods sp_sad --kept 0.55
    python examples/benchmarks/movies_table.py WHEEL --verify --methods none

For every feature group a 1-D CNN is trained as the teacher; a smaller one is pruned under it with
SP-SAD, LTH-SAD and SS-SAD to 55 % and 30 % of its parameters. The same student is trained whole
with SAD, at equal epochs and for as long as a student and its search together. The mean rating,
ridge regression and gradient-boosted trees on the same features stand beside them. Runs are folders
below `--runs`: what was interrupted goes on where it was, and cells can be made one by one.
`--verify` compares every finished student's ONNX file with PyTorch and builds its TensorRT-RTX
engine. Each call writes the rows of all that is finished, as JSON and as a page.

Not the paper's data (its join of IMDB-5000 with texts and posters is not published): figures of
the same films compare with each other, the paper's compare with its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from film_table.cells import GROUPS, KEPT, METHODS, cells_of, make
from film_table.render import PAPER, markdown, misses
from film_table.rows import table_rows
from film_table.verified import ensure_verified

from edgeprune.atomic import write_text_atomic
from edgeprune.report.run_report import REPORT_NAME

_RESULTS = Path(__file__).resolve().parent / "results"
_NOT_SETTINGS = ("films", "groups", "methods", "kept", "seeds", "verify", "runs", "results")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("films", type=Path, help="the wheel, or another file of films")
    parser.add_argument("--groups", nargs="+", default=list(GROUPS), choices=GROUPS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=(*METHODS, "none"),
                        help="'none' only writes the table")  # fmt: skip
    parser.add_argument("--kept", nargs="+", type=float, default=list(KEPT), choices=KEPT,
                        help="share of the parameters")  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--verify", action="store_true",
                        help="compare finished students' graphs, build their engines")  # fmt: skip
    parser.add_argument("--teacher", default="movie_cnn")
    parser.add_argument("--student", default="movie_cnn_1_16")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--runs", type=Path, default=Path("runs/bench/movies"))
    parser.add_argument("--results", type=Path, default=_RESULTS / "movies.json")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Make the runs that are not made yet, writing the table after each."""
    args = parse(argv)
    torch.set_num_threads(1)
    methods = [method for method in args.methods if method != "none"]
    for cell in cells_of(args.groups, methods, args.kept, args.seeds):
        make(args, cell)
        write(args)
    if args.verify:
        verify_finished(args)
    print("\n".join(misses(write(args))))
    return 0


def verify_finished(args: argparse.Namespace) -> None:
    """Verify the students of all groups, methods and sizes that are finished."""
    for cell in cells_of(GROUPS, METHODS, KEPT, args.seeds):
        folder = cell.folder(args.runs)
        if (folder / REPORT_NAME).exists():
            ensure_verified(folder, f"movies:{args.films}:{cell.group}")


def write(args: argparse.Namespace) -> list[dict[str, object]]:
    """The finished rows of these seeds as JSON and as a page beside it."""
    rows = table_rows(args.runs, args.seeds)
    settings = {name: value for name, value in vars(args).items() if name not in _NOT_SETTINGS}
    settings |= {"films": args.films.name, "seeds": args.seeds}
    content = {"settings": settings, "paper_lth_sad_45": PAPER, "rows": rows}
    write_text_atomic(args.results, json.dumps(content, indent=1) + "\n")
    write_text_atomic(args.results.with_suffix(".md"), markdown(rows))
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
