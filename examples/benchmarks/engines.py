"""Which networks TensorRT builds in which precision: a table of model x precision.

    python examples/benchmarks/engines.py
    python examples/benchmarks/engines.py --models resnet18 runs/a --out /tmp/engines.json

Every network is pruned by half and gets a process of its own: graphs for TensorRT-RTX in FP32, FP16
and INT8 (drawn weights, scales from random images: what is shown is that the graph is right and
that TensorRT takes it, not what INT8 costs), checked by ONNX, run in ONNX Runtime, and built by
TensorRT-RTX for a GPU that need not be here. A folder is a run, whose student is taken. A network
that is in the results already is not done again, unless it is named. The table goes to stderr,
JSON to `--out`, which is written after every network.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from coverage_parts.subjects import torchvision_names, zoo_names
from engine_parts.build_all import PRECISIONS
from rich.console import Console
from rich.table import Table
from sad_step import machine

from edgeprune.atomic import write_text_atomic
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.report.versions import versions

_HERE = Path(__file__).resolve().parent
_RESULTS = _HERE / "results" / "engines.json"
_OLD, _OLD_OPSET = "tensorrt-8", 17
_WIDTH = 150  # of the table in a file


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", nargs="+", help="default: torchvision's and our own")
    parser.add_argument("--sm", default="86", help="compute capability to build for")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=_RESULTS)
    return parser.parse_args(argv)


def run(name: str, sm: str, threads: int) -> dict[str, Any]:
    """One network in a process of its own."""
    folder = Path(name)
    subject = str(folder.resolve()) if folder.is_dir() else name
    path = os.pathsep.join([str(_HERE), str(_HERE.parent.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "engine_parts.build_all", subject, sm],
        cwd=_HERE,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"why": f"exit {done.returncode}: {last[:160]}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def is_built(row: Mapping[str, Any], precision: str) -> bool:
    """Whether a precision passed the checker, ran, and was built."""
    return not row["why"] and not row[precision]["why"]


def is_lowered(row: Mapping[str, Any]) -> bool:
    """Whether TensorRT 8's graph has its opset and no axes as an input."""
    old = row.get(_OLD, {"why": "-"})
    return not old["why"] and old["opset"] == _OLD_OPSET and not old["axes_inputs"]


def summary(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the table amounts to."""
    return {
        "models": len(models),
        **{p: sum(is_built(row, p) for row in models.values()) for p in PRECISIONS},
        "lowered_for_tensorrt_8": sum(map(is_lowered, models.values())),
        "not_built": {
            f"{name} {p}": row["why"] or row[p]["why"]
            for name, row in models.items() for p in PRECISIONS if not is_built(row, p)
        },
        "not_lowered": {
            name: row["why"] or str(row[_OLD]) for name, row in models.items()
            if not is_lowered(row)
        },
    }  # fmt: skip


def table(models: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row per network."""
    shown = Table(title="Engines of TensorRT-RTX: size in MB, seconds, dB from FP32")
    shown.add_column("model", no_wrap=True)
    for precision in PRECISIONS:
        for heading in (precision, "s", "dB"):
            shown.add_column(heading, justify="right")
    shown.add_column("INT8 places", justify="right")
    shown.add_column("TensorRT 8", justify="right")
    for name, row in models.items():
        cells = [cell for precision in PRECISIONS for cell in _cells(row, precision)]
        places = str(row["int8"]["int8_places"]) if is_built(row, "int8") else ""
        shown.add_row(name, *cells, places, "yes" if is_lowered(row) else "no")
    return shown


def _cells(row: Mapping[str, Any], precision: str) -> list[str]:
    if not is_built(row, precision):
        return ["no", "", ""]
    found = row[precision]
    megabytes, seconds = found["plan_bytes"] / 1e6, found["build_seconds"]
    noise = "" if precision == "fp32" else f"{found['noise_db']:.0f}"
    return [f"{megabytes:.1f}", f"{seconds:.1f}", noise]


def main(argv: Sequence[str]) -> int:
    """Build what is missing, print the table, keep the results."""
    args = parse(argv)
    held = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    models: dict[str, dict[str, Any]] = held.get("models", {})
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=True, highlight=False, width=_WIDTH)
    names = args.models or [*torchvision_names(), *zoo_names()]
    for name in names:
        if name not in models or args.models:
            models[name] = run(name, args.sm, args.threads)
        built = [precision for precision in PRECISIONS if is_built(models[name], precision)]
        console.print(f"{name}: {', '.join(built) or models[name]['why']}", markup=False)
        content = {
            "sm": args.sm,
            "machine": {**machine(torch.device("cpu")), "threads": args.threads},
            "versions": {**versions(), "tensorrt_rtx": load_bindings("tensorrt-rtx").version},
            "summary": summary(models),
            "models": models,
        }
        write_text_atomic(args.out, json.dumps(content, indent=1) + "\n")
    console.print(table({name: models[name] for name in names}))
    console.print_json(json.dumps(summary(models)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
