"""The three methods against dense students, Torch-Pruning and their controls, at equal epochs.

    python examples/benchmarks/methods_table.py --setting digits
    python examples/benchmarks/methods_table.py --setting tinyimagenet100 --rows sp_sad
    python examples/benchmarks/methods_table.py --setting tinyimagenet100 \\
        --results examples/benchmarks/results/tinyimagenet100.json

Every row is trained by `edgeprune.compress` (the peer by the same training loop) into run folders
below `--out`: a table that was interrupted goes on where it was, and rows can be made one at a
time with `--rows`, which also makes what they start from. Each call prints the table of what is
finished, the teacher's lead first, and writes it as JSON and, beside that, as Markdown.
What the teacher says of each batch is kept in `OUT/teacher-cache` for all rows of a seed; that
takes 26 GB for one seed of tinyimagenet100, and can be deleted when the table is done.
`--keep FOLDER` copies what the table is read from, some 100 KB a run, out of the run folders:
`--out FOLDER --rows none` prints the same table from it, with whatever seeds are added there later.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from sad_step import machine
from table.bench import Bench
from table.keep import keep
from table.render import cells, lead_line, markdown, notes, terminal_table, words
from table.results import Results, collect
from table.rows import Row, rows_of, with_needs
from table.settings import SETTINGS, Setting

from edgeprune.atomic import write_text_atomic
from edgeprune.errors import EdgepruneError, UserInputError
from edgeprune.recipe import parse_assignments
from edgeprune.report.versions import package_version, versions
from edgeprune.train.distributed import join_world
from edgeprune.wording import counted


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--setting", choices=SETTINGS, required=True)
    parser.add_argument("--rows", nargs="+", help="default: all; 'none' only prints the table")
    parser.add_argument("--epochs", type=int, help="of every row's last training")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--teacher", type=Path, help="teacher file in place of the setting's")
    parser.add_argument("--arch", help="its architecture, where the file does not say")
    parser.add_argument("--teacher-epochs", type=int, help="where the teacher is trained here")
    parser.add_argument("--set", dest="assignments", action="append", default=[],
                        metavar="KEY=VALUE", help="recipe setting of all rows")  # fmt: skip
    parser.add_argument("--out", type=Path, help="default: runs/bench/SETTING")
    parser.add_argument("--results", type=Path, help="default: OUT/table.json")
    parser.add_argument("--keep", type=Path, metavar="FOLDER",
                        help="copy reports and predictions of finished runs there")  # fmt: skip
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args(argv)


def make_bench(args: argparse.Namespace) -> Bench:
    """The table that the options describe."""
    setting = SETTINGS[args.setting]
    changes = parse_assignments(tuple(args.assignments))
    training = dict(setting.teacher_training)
    if args.teacher_epochs is not None:
        training["epochs"] = args.teacher_epochs
    if "train_limit" in changes:
        training["train_limit"] = changes["train_limit"]
    return Bench(
        setting=setting,
        out=args.out or Path("runs/bench") / setting.name,
        epochs=args.epochs or setting.epochs,
        seeds=tuple(args.seeds or setting.seeds),
        teacher_file=args.teacher or setting.teacher_file,
        teacher_arch=args.arch or setting.teacher_arch,
        teacher_training=training,
        device=args.device,
        changes=changes,
    )


def choose(names: Sequence[str] | None, every: Sequence[Row]) -> tuple[Row, ...]:
    """The rows that are asked for, with what they start from."""
    if names is None:
        return tuple(every)
    if list(names) == ["none"]:
        return ()
    known = {row.name: row for row in every}
    for name in names:
        if name not in known:
            raise UserInputError(f"--rows {name}: this table has {', '.join(known)}")
    return with_needs([known[name] for name in names], every)


def title_of(setting: Setting, bench: Bench) -> str:
    """What the table shows, in a line."""
    target = {**setting.settings, **bench.changes}
    return (
        f"{setting.name}: {bench.teacher_arch} → {setting.student}, {bench.epochs} epochs, "
        f"{target['target_params']:g} of the parameters, {target['target_macs']:g} of the MACs"
    )


def as_dict(bench: Bench, every: Sequence[Row], results: Results) -> dict[str, Any]:
    """Everything the table rests on, for JSON."""
    return {
        "setting": bench.setting.name,
        "data": bench.setting.data,
        "teacher": {"arch": bench.teacher_arch, "top1_percent": results.teacher_top1},
        "student": bench.setting.student,
        "epochs": bench.epochs,
        "seeds": list(bench.seeds),
        "settings": {**bench.setting.settings, **bench.changes},
        "teacher_training": None if bench.teacher_file else dict(bench.teacher_training),
        "lead": results.lead.as_dict(),
        "can_rank_distillation": results.can_rank,
        "rows": [
            {
                "name": result.row.name,
                "top1_percent": {s: held.size["metric"] for s, held in result.seeds.items()},
                "summary": asdict(result.top1),
                "params": {s: held.size["params"] for s, held in result.seeds.items()},
                "macs": {s: held.size["macs"] for s, held in result.seeds.items()},
                "cells": cells(result, results),
            }
            for result in results.rows
        ],
        "missing_rows": [
            row.name for row in every if row.name not in {r.row.name for r in results.rows}
        ],
        "minus_dense_sad": [duel.as_dict() for duel in results.to_dense.values()],
        "duels": [duel.as_dict() for duel in results.duels],
        "machine": machine(join_world(bench.device).device),
        "versions": {**versions(), "torch_pruning": package_version("torch-pruning")},
    }


def publish(bench: Bench, every: Sequence[Row], path: Path) -> None:
    """Print the table on stderr; write it as JSON and Markdown."""
    results = collect(every, bench.seeds, bench.folder)
    content = as_dict(bench, every, results)
    title = title_of(bench.setting, bench)
    console = Console(stderr=True, highlight=False)
    console.print(lead_line(results), style="bold")
    console.print(terminal_table(results, title))
    for line in [*words(results), *notes()]:
        console.print(line, markup=False)
    conditions = [
        f"Measured on {content['machine']['device']}, {counted(torch.get_num_threads(), 'thread')}."
    ]
    write_text_atomic(path, json.dumps(content, indent=1) + "\n")
    write_text_atomic(path.with_suffix(".md"), markdown(results, title, conditions))


def main(argv: Sequence[str]) -> int:
    """Make the rows that are asked for, then the table of all that are finished."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    try:
        bench = make_bench(args)
        every = rows_of(bench.setting)
        chosen = choose(args.rows, every)
        for seed in bench.seeds:
            bench.run(chosen, seed)
        if any(row.kind == "best" for row in chosen):
            for seed in bench.seeds:
                bench.run_best(seed)
        publish(bench, every, args.results or bench.out / "table.json")
        if args.keep is not None:
            keep(every, bench.seeds, bench.folder, args.keep)
    except EdgepruneError as failure:
        print(f"methods_table: {failure}", file=sys.stderr)
        return failure.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
