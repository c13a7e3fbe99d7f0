"""What a mask costs in accuracy: single weights, or columns shared by V output channels.

    python examples/benchmarks/mask_cost.py
    python examples/benchmarks/mask_cost.py --setting fashion-mnist --seeds 0 --keep-share 0.2
    python examples/benchmarks/mask_cost.py --methods lth_sad --masks weight vector-4

The sparse convolution reads one index for V weights, so that a larger V is faster and a smaller one
is freer to choose. Every method trains the same student to the same share of weights under each
mask; the dense student with SAD is trained beside them. Runs are folders below `--out`: a table
that was interrupted goes on where it was. Each call writes the table of all that is finished as
JSON and prints it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mask_cost_parts.runs import MASKS, Runs
from mask_cost_parts.table import as_dict, terminal_table
from rich.console import Console
from sad_step import machine
from table.settings import SETTINGS

from edgeprune.atomic import write_text_atomic
from edgeprune.errors import EdgepruneError
from edgeprune.recipe import METHODS
from edgeprune.report.versions import versions

_RESULTS = Path(__file__).resolve().parent / "results" / "mask_cost.json"
_WIDTH = 120  # of the table


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--setting", choices=SETTINGS, default="digits")
    parser.add_argument("--student", default="wrn_16_2")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--masks", nargs="+", choices=list(MASKS), default=list(MASKS))
    parser.add_argument("--keep-share", type=float, default=0.1, help="of the weights")
    parser.add_argument("--epochs", type=int, help="of every row's last training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--teacher", type=Path, help="in place of the one that is trained here")
    parser.add_argument("--out", type=Path, help="default: runs/bench/mask-cost-SETTING")
    parser.add_argument("--results", type=Path, default=_RESULTS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Make the runs that are asked for, then the table."""
    args = parse(argv)
    torch.set_num_threads(args.threads)
    setting = SETTINGS[args.setting]
    runs = Runs(
        setting=setting,
        out=args.out or Path("runs/bench") / f"mask-cost-{setting.name}",
        student=args.student,
        keep_share=args.keep_share,
        epochs=args.epochs or setting.epochs,
        teacher_file=args.teacher,
    )
    try:
        for seed in args.seeds:
            for method in args.methods:
                for mask in args.masks:
                    runs.make(method, mask, seed)
        result: dict[str, Any] = {
            **as_dict(runs, args.methods, args.masks, args.seeds),
            "machine": machine(torch.device("cpu")),
            "versions": versions(),
        }
    except EdgepruneError as failure:
        print(f"mask_cost: {failure}", file=sys.stderr)
        return failure.exit_code
    write_text_atomic(args.results, json.dumps(result, indent=1) + "\n")
    Console(width=_WIDTH).print(terminal_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
