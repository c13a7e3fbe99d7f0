"""What the boards' rates allow the sparse convolution at best: a model, not a measurement.

    python examples/benchmarks/sparse_conv_roofline.py
    python examples/benchmarks/sparse_conv_roofline.py --out /tmp/roofline
    python examples/benchmarks/sparse_conv_roofline.py --kinds "FP16, V 32"

The 3x3 layers of ResNet-18 and WRN-16-2 run once in the emulation, which counts their multiply-adds
(those of idle lanes, too), clocks of shared memory and sectors of global memory, with the default
tactic of every board's architecture. `edgeprune/device/boards.json` has the rates that these are
divided by. `density` is the share of columns that is stored. JSON and tables go to `--out`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parents[1] / "cuda" / "harness"))

from sparse_harness.roofline import NOTE  # noqa: E402
from sparse_harness.roofline_layers import (  # noqa: E402
    DENSITIES,
    KINDS,
    LAYERS,
    architectures,
    bounds_as_json,
    count_layer,
    of_boards,
)

from edgeprune.device.boards import board_names  # noqa: E402

_OUT = _HERE / "results" / "sparse_conv_roofline"
_LETTERS = {"compute": "c", "shared": "s", "memory": "m", "memory, uncached": "u"}
_LEGEND = f"""\
The sparse convolution's roofline: {NOTE}.
us at the highest clocks, batch 1; the longest of multipliers (c), shared memory (s) and global
memory: m where input, output and weights take longest though each comes once, u where every counted
sector comes from DRAM and none from a cache.
"""
Rows = list[dict[str, object]]


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=_OUT, help="path without .json and .txt")
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=list(KINDS),
        help="counted anew; the others stay as the file has them",
    )  # fmt: skip
    options = parser.parse_args(argv)
    if set(options.kinds) != set(KINDS) and not _json(options.out).is_file():
        parser.error(
            f"--kinds: {_json(options.out)}, for the other kinds, is not there; leave it out"
        )
    return options


def _json(out: Path) -> Path:
    return out.with_name(out.name + ".json")


def measured(kinds: Sequence[str], before: Mapping[str, Rows]) -> tuple[Rows, Rows]:
    """Counts by architecture, and bounds by board.

    Args:
        kinds: those that are counted.
        before: rows of an earlier run, for the others.
    """
    counts: Rows = []
    times: Rows = []
    for kind in KINDS:
        if kind not in kinds:
            counts += [row for row in before["counts"] if row["kind"] == kind]
            times += [row for row in before["bounds"] if row["kind"] == kind]
            continue
        for density in DENSITIES:
            for layer in LAYERS:
                key = {"kind": kind, "density": density, "layer": layer}
                for sm in architectures(kind):
                    counted = count_layer(kind, layer, density, sm)
                    counts.append({**key, "sm": sm, **counted.as_json()})
                    times += [
                        {**key, "board": board.name, **bounds_as_json(found)}
                        for board, found in of_boards(counted)
                    ]
                print(kind, density, layer, file=sys.stderr, flush=True)
    return counts, times


def as_json(counts: Rows, times: Rows) -> str:
    """A row a line."""
    parts = {
        name: ",\n".join(f"  {json.dumps(row)}" for row in rows)
        for name, rows in (("counts", counts), ("bounds", times))
    }
    body = ",\n".join(f' "{name}": [\n{rows}\n ]' for name, rows in parts.items())
    return f'{{\n "note": {json.dumps(NOTE)},\n{body}\n}}\n'


def as_text(times: Rows) -> str:
    """A table for every kind and density: layers down, boards across."""
    tables = [_LEGEND]
    for kind in KINDS:
        for density in DENSITIES:
            rows = [row for row in times if (row["kind"], row["density"]) == (kind, density)]
            tables.append(f"{kind}, density {density}\n{_table(rows)}\n")
    return "\n".join(tables)


def _table(rows: Rows) -> str:
    boards = [name for name in board_names() if any(row["board"] == name for row in rows)]
    cells = {(row["layer"], row["board"]): _cell(row) for row in rows}
    short = [name.removeprefix("jetson-") for name in boards]
    head = f"{'':26}" + "".join(f"{name:>17}" for name in short)
    body = (
        f"{layer:26}" + "".join(f"{cells[layer, name]:>17}" for name in boards) for layer in LAYERS
    )
    return "\n".join([head, *body])


def _cell(row: Mapping[str, object]) -> str:
    longest = max(float(str(row[name])) for name in ("compute_us", "shared_us", "memory_us"))
    return f"{longest:.1f} {_LETTERS[str(row['limit'])]}"


def main(argv: Sequence[str]) -> int:
    """Writes the figures."""
    options = parse(argv)
    before = {} if set(options.kinds) == set(KINDS) else json.loads(_json(options.out).read_text())
    counts, times = measured(options.kinds, before)
    for suffix, text in ((".json", as_json(counts, times)), (".txt", as_text(times))):
        options.out.with_name(options.out.name + suffix).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
