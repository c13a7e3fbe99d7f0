"""A network against itself, again and again: how often does `edgeprune benchmark` see a difference?

    python examples/benchmarks/benchmark_aa.py
    python examples/benchmarks/benchmark_aa.py --runs 5 --arch wrn_10_1 --image-size 8

Its intervals are of 95 %, so that one run in twenty should. And one process after the other: do
two runs of the same network differ by less than the spread that they report? Every run is a process
of its own. The table goes to stdout, the figures as JSON to `--out`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sad_step import machine

from edgeprune.atomic import write_text_atomic
from edgeprune.export.onnx import export_onnx
from edgeprune.models.registry import build_model
from edgeprune.report.versions import versions

_RESULTS = Path(__file__).resolve().parent / "results" / "benchmark_aa.json"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--arch", default="wrn_16_2")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--out", type=Path, default=_RESULTS)
    parser.add_argument("options", nargs="*", help="of `edgeprune benchmark`, after --")
    return parser.parse_args(argv)


def one_run(graphs: Sequence[Path], options: Sequence[str]) -> dict[str, Any]:
    """What the command finds."""
    command = [sys.executable, "-m", "edgeprune", "benchmark", *map(str, graphs), "--json"]
    done = subprocess.run([*command, *options], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(f"benchmark_aa: {done.stderr.splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def apart(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """How far two runs of a network lie apart, and the larger of the spreads that they report."""
    one, other = first["models"][0], second["models"][0]
    return {
        "difference_ms": abs(one["p50_ms"] - other["p50_ms"]),
        "spread_ms": max(one["spread_ms"], other["spread_ms"]),
    }


def main(argv: Sequence[str]) -> int:
    """Run everything that is asked for."""
    args = parse(argv)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        graphs = [Path(folder) / "a.onnx", Path(folder) / "b.onnx"]
        network = build_model(args.arch, num_classes=100).eval()
        export_onnx(network, torch.zeros(2, 3, args.image_size, args.image_size), graphs[0])
        shutil.copy(graphs[0], graphs[1])
        for number in range(args.runs):
            found.append(one_run(graphs, args.options))
            ratio = found[-1]["ratios"]["b"]
            print(f"{number + 1}: {ratio['ratio']:.4f} [{ratio['low']:.4f}, {ratio['high']:.4f}]")
    pairs = [apart(one, other) for one, other in itertools.pairwise(found)]
    result = {
        "arch": args.arch,
        "runs": args.runs,
        "clear": sum(run["ratios"]["b"]["is_clear"] for run in found),
        "pairs": len(pairs),
        "within_spread": sum(pair["difference_ms"] < pair["spread_ms"] for pair in pairs),
        "ratios": [run["ratios"]["b"] for run in found],
        "neighbours": pairs,
        "warnings": [run["warnings"] for run in found],
        "load_average": [run["before"]["load_average"] for run in found],
        "protocol": found[0]["protocol"],
        "machine": machine(torch.device("cpu")),
        "versions": versions(),
    }
    write_text_atomic(args.out, json.dumps(result, indent=1) + "\n")
    print(f"{result['clear']} of {args.runs} runs of a network against itself see a difference")
    print(
        f"{result['within_spread']} of {len(pairs)} pairs of runs lie within the spread they report"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
