"""From which sparsity on a board is predicted to run a convolution faster sparse: a model.

    python examples/benchmarks/sparse_choice.py

For every board, five layers of residual networks, two precisions and masks of single weights and of
4, 8 and 32 output channels together: the sparsity at which the sparse kernel takes as long as dense
TensorRT (against a poor and a good dense kernel), and the one from which on the first gate lets a
layer through, copies and margin counted in; the gate counts only on kernels that are compiled, the
break-even on the tensor-core kernel as well. Nothing here was measured on a board: figures are
computed from the boards' peaks (`edgeprune/device/boards.json`) and the assumptions in
`edgeprune/device/sparse/assumptions.py`. JSON goes to `--out`, the table to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from edgeprune.atomic import write_text_atomic
from edgeprune.device.boards import Board, board_names, find_board
from edgeprune.device.sparse import assumptions
from edgeprune.device.sparse.break_even import break_even, gate_sparsity
from edgeprune.device.sparse.conv import ConvShape
from edgeprune.device.sparse.launches import KERNELS
from edgeprune.export.sparse_inspection import BASIS

_RESULTS = Path(__file__).resolve().parent / "results" / "sparse_choice.json"
_DIGITS = 4


def _square(inputs: int, outputs: int, side: int, kernel: int) -> ConvShape:
    return ConvShape(inputs, outputs, (side, side), (side, side), (kernel, kernel))


LAYERS = {
    "64>64 56² 3x3": _square(64, 64, 56, 3),
    "256>256 14² 3x3": _square(256, 256, 14, 3),
    "512>512 7² 3x3": _square(512, 512, 7, 3),
    "128>512 28² 1x1": _square(128, 512, 28, 1),
    "512>2048 7² 1x1": _square(512, 2048, 7, 1),
}
PRECISIONS = ("fp16", "fp32")
VECTORS = (1, 4, 8, 32)


def figures(board: Board) -> list[dict[str, Any]]:
    """All break-even figures of one board; None where no sparsity is enough."""
    return [
        {
            "board": board.name,
            "layer": name,
            "precision": precision,
            "vector": vector,
            "against_poor_dense": _rounded(
                break_even(board, shape, precision, vector=vector, good=False, kernels=KERNELS)
            ),
            "against_good_dense": _rounded(
                break_even(board, shape, precision, vector=vector, kernels=KERNELS)
            ),
            "gate": _rounded(gate_sparsity(board, shape, precision, vector=vector)),
        }
        for precision in PRECISIONS
        for vector in VECTORS
        for name, shape in LAYERS.items()
    ]


def table(rows: Sequence[dict[str, Any]], precision: str, vector: int) -> Table:
    """A row per board, a column per layer: poor / good dense, and the gate."""
    masks = "single weights" if vector == 1 else f"{vector} output channels together"
    shown = Table(
        title=f"Break-even sparsity in %, {precision.upper()}, batch 1, masks of {masks}: {BASIS}",
        caption="against poor dense / against good dense > the first gate; – never",
    )
    shown.add_column("board")
    for name in LAYERS:
        shown.add_column(name, justify="right")
    for board in board_names():
        found = {
            row["layer"]: row
            for row in rows
            if (row["board"], row["precision"], row["vector"]) == (board, precision, vector)
        }
        shown.add_row(board, *(_cell(found[name]) for name in LAYERS))
    return shown


def _cell(row: dict[str, Any]) -> str:
    even = "/".join(_percent(row[f"against_{kind}_dense"]) for kind in ("poor", "good"))
    return f"{even} > {_percent(row['gate'])}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def main(argv: Sequence[str]) -> int:
    """Compute all figures, keep them, print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=_RESULTS)
    args = parser.parse_args(argv)
    boards = [find_board(name) for name in board_names()]
    rows = [row for board in boards for row in figures(board)]
    assumed = {name: value for name, value in vars(assumptions).items() if name.isupper()}
    content = {
        "basis": BASIS,
        "assumptions": assumed,
        "boards": [vars(board) for board in boards],
        "rows": rows,
    }
    write_text_atomic(args.out, json.dumps(content, indent=1) + "\n")
    console = Console(width=120)
    for vector in VECTORS:
        console.print(table(rows, "fp16", vector))
    console.print(table(rows, "fp32", 1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
