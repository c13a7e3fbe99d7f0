"""Widths searched under a measured latency, against uniform pruning at the same latency.

    python examples/benchmarks/latency_budget.py
    python examples/benchmarks/latency_budget.py --round-to 16
    python examples/benchmarks/latency_budget.py --data digits --network wrn_10_1 --seeds 0

A network is trained once; a copy of it is pruned and trained on with SP-SAD: with all groups
narrowed alike to a share of its latency on this CPU, and with the search over widths to the latency
that the former reached. Both measure what they propose and correct it; their students are then
measured side by side. Students have the same epochs; the search's trial runs (up to 24 of 15 steps
each) come on top, and its seconds are told. Runs are folders below `--out`: what was interrupted
goes on where it was. Each call writes the table of all that is finished as JSON and prints it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from latency_parts.runs import ARMS, Runs, Settings
from latency_parts.table import as_dict, terminal_table
from rich.console import Console
from sad_step import machine

from edgeprune.atomic import write_text_atomic
from edgeprune.device.errors import DeviceError
from edgeprune.errors import EdgepruneError
from edgeprune.report.versions import versions

_RESULTS = Path(__file__).resolve().parent / "results"
_ROUND_TO = 8
_WIDTH = 150  # of the table


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--network", default="wrn_16_2")
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.75, 0.55, 0.4],
                        help="shares of the dense network's latency")  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--train-limit", type=int, default=2_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--teacher-epochs", type=int, default=8)
    parser.add_argument("--teacher-limit", type=int, default=12_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--round-to", type=int, default=_ROUND_TO)
    parser.add_argument("--latency-threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15, help="of every measurement")
    parser.add_argument("--threads", type=int, default=1, help="of training")
    parser.add_argument("--out", type=Path, help="default: below runs/bench, by what is asked")
    parser.add_argument("--results", type=Path, help="default: below results, by what is asked")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Make the runs that are asked for, then the table."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    settings = Settings(
        data=args.data,
        network=args.network,
        budgets=tuple(args.budgets),
        train_limit=args.train_limit,
        epochs=args.epochs,
        teacher_epochs=args.teacher_epochs,
        teacher_limit=args.teacher_limit,
        batch_size=args.batch_size,
        round_to=args.round_to,
        threads=args.latency_threads,
        repeats=args.repeats,
    )
    asked = args.network if args.round_to == _ROUND_TO else f"{args.network}-round_{args.round_to}"
    out = args.out or Path("runs/bench") / f"latency-{args.data}-{asked}"
    runs = Runs(settings, out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        for seed in args.seeds:
            for budget in args.budgets:
                for arm in ARMS:
                    runs.make(budget, arm, seed)
        result = {
            **as_dict(runs, args.seeds),
            "machine": machine(torch.device("cpu")),
            "versions": versions(),
        }
    except (EdgepruneError, DeviceError) as failure:
        print(f"latency_budget: {failure}", file=sys.stderr)
        return failure.exit_code
    results = args.results or _RESULTS / f"latency_budget-{asked}.json"
    write_text_atomic(results, json.dumps(result, indent=1) + "\n")
    Console(width=_WIDTH).print(terminal_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
