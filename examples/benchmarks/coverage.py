"""Which networks can be pruned, how exactly, how far and how fast: edgeprune and Torch-Pruning.

    python examples/benchmarks/coverage.py
    python examples/benchmarks/coverage.py --models resnet18 vit_b_16 --out /tmp/coverage.json

Each tool gets every model in a process of its own, with half of the prunable channels to remove.
Both results are counted by the same code, run in evaluation and training mode, and run backward.
Of torchvision's detectors the backbone alone, by edgeprune alone: the peer would have to be told by
hand which of its layers put something out. `--tools delivery` prunes once more, exports to ONNX,
compares with ONNX Runtime and has the checkpoint restored by a process that never pruned.
A model that is in the results already is not done again, unless it is named. The table goes to
stderr, JSON to `--out`, which is written after every model.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from coverage_parts.subjects import RATIO, detection_names, torchvision_names, zoo_names
from rich.console import Console
from rich.table import Table
from sad_step import machine

from edgeprune.atomic import write_text_atomic
from edgeprune.report.versions import package_version, versions

OURS = "edgeprune"
PEER = "torch-pruning"
DELIVERY = "delivery"
TOOLS = {
    OURS: "coverage_parts.ours",
    PEER: "coverage_parts.torch_pruning_tool",
    DELIVERY: "coverage_parts.delivery",
}
_HERE = Path(__file__).resolve().parent
_RESULTS = _HERE / "results" / "coverage.json"
_LEAST_MACS_OFF = 0.3
# Relative, float32 in two runtimes. Drawn weights amplify rounding: in EfficientNetV2-L PyTorch's
# float32 is 1e-4 away from its own float64.
_ONNX_TOLERANCE = 1e-3
_WIDTH = 150  # of the table in a file


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", nargs="+", help="default: torchvision's and our own")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--seconds", type=float, default=300.0, help="limit for the peer")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=_RESULTS)
    return parser.parse_args(argv)


def run_tool(tool: str, name: str, threads: int, limit_s: float | None) -> dict[str, Any]:
    """One tool on one model in a process of its own."""
    command = [sys.executable, "-m", TOOLS[tool], name]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": _search_path()}
    try:
        done = subprocess.run(
            command, cwd=_HERE, env=environment, capture_output=True, encoding="utf-8", check=False,
            timeout=limit_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"pruned": False, "why": f"cut off after {limit_s:g} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"pruned": False, "why": f"exit {done.returncode}: {last[:160]}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _search_path() -> str:
    return os.pathsep.join([str(_HERE), str(_HERE.parent.parent), os.environ.get("PYTHONPATH", "")])


def summary(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the table amounts to."""
    ours = [row[OURS] for row in models.values() if OURS in row]
    peers = [row[PEER] for row in models.values() if PEER in row]
    delivered = [row[DELIVERY] for row in models.values() if DELIVERY in row]
    ratios = [ratio for row in models.values() if (ratio := _time_ratio(row)) is not None]
    errors = {dtype: [float(o["max_rel_error"]) for o in ours if o["pruned"]
                      and o["max_rel_error"] is not None and o["dtype"] == dtype]
              for dtype in ("float64", "float32")}  # fmt: skip
    return {
        "models": len(models),
        "ours_pruned": sum(map(_is_sound, ours)),
        "ours_broken": sum(bool(o.get("fault")) for o in ours),
        "ours_with_30_percent_of_macs_off": sum(
            _is_sound(o) and _macs_off(o) >= _LEAST_MACS_OFF for o in ours
        ),
        "ours_worst_rel_error": {dtype: max(held, default=None) for dtype, held in errors.items()},
        "ours_without_exact_groups": sum(
            o["pruned"] and o["max_rel_error"] is None for o in ours
        ),
        "delivered": sum(map(_is_delivered, delivered)),
        "asked_to_deliver": len(delivered),
        "delivered_worst_onnx_rel_error": max(
            (d["onnx_rel_error"] for d in delivered if "onnx_rel_error" in d), default=None
        ),
        "peer_pruned": sum(map(_is_sound, peers)),
        "peer_broken": sum(bool(p.get("fault")) for p in peers),
        "seconds_without_proof_over_peer_median": statistics.median(ratios) if ratios else None,
        "compared_in_time": len(ratios),
        "slowest_with_proof": _slowest(models, float("inf")),
        "slowest_with_proof_up_to_100m_params": _slowest(models, 100e6),
    }  # fmt: skip


def _slowest(models: Mapping[str, Mapping[str, Any]], most_params: float) -> Any:
    """The model that took us longest, and its seconds."""
    held = ((name, row[OURS]) for name, row in models.items() if OURS in row)
    seconds = [
        (name, ours["seconds"]["total"]) for name, ours in held
        if ours["pruned"] and ours["before"]["params"] <= most_params
    ]  # fmt: skip
    return max(seconds, key=lambda pair: pair[1], default=None)


def _is_sound(result: Mapping[str, Any]) -> bool:
    return bool(result["pruned"]) and not result.get("fault")


def _is_delivered(result: Mapping[str, Any]) -> bool:
    return (
        bool(result["pruned"])
        and result["onnx_rel_error"] <= _ONNX_TOLERANCE
        and not result["restored"]
    )


def _macs_off(result: Mapping[str, Any]) -> float:
    return 1.0 - float(result["after"]["macs"]) / float(result["before"]["macs"])


def _time_ratio(row: Mapping[str, Any]) -> float | None:
    """Our seconds without the proof over the peer's, where both pruned the model."""
    if not all(tool in row and _is_sound(row[tool]) for tool in (OURS, PEER)):
        return None
    mine = row[OURS]["seconds"]
    return float((mine["total"] - mine["proof"]) / row[PEER]["seconds"]["total"])


def table(models: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row per model, both tools side by side."""
    shown = Table(title=f"Half of the prunable channels removed (ratio {RATIO:g})")
    shown.add_column("model", no_wrap=True)
    for heading in ("params", "MACs", "error", "s", "+ proof", "MiB", "ONNX"):
        shown.add_column(heading, justify="right")
    for heading in ("TP params", "TP MACs", "TP error", "TP s"):
        shown.add_column(heading, justify="right")
    for name, row in models.items():
        shown.add_row(name, *_ours(row.get(OURS)), _onnx(row.get(DELIVERY)), *_peer(row.get(PEER)))
    return shown


def _ours(result: Mapping[str, Any] | None) -> list[str]:
    if result is None:
        return [""] * 6
    if not _is_sound(result):
        return [_shortened(result.get("fault") or result["why"]), *[""] * 5]
    seconds = result["seconds"]
    return [
        *_reached(result),
        _error(result["max_rel_error"]),
        f"{seconds['total'] - seconds['proof']:.1f}",
        f"{seconds['proof']:.1f}",
        f"{result['peak_mib'] - result['peak_mib_before']:.0f}",
    ]


def _onnx(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return ""
    if not result["pruned"] or result["restored"]:
        return _shortened(result["why"] or result["restored"])
    return _error(result["onnx_rel_error"])


def _peer(result: Mapping[str, Any] | None) -> list[str]:
    if result is None:
        return [""] * 4
    if not _is_sound(result):
        return [_shortened(result.get("fault") or result["why"]), "", "", ""]
    return [
        *_reached(result),
        _error(result["max_rel_error"]),
        f"{result['seconds']['total']:.1f}",
    ]


def _reached(result: Mapping[str, Any]) -> list[str]:
    off = 1.0 - result["after"]["params"] / result["before"]["params"]
    return [f"-{off:.0%}", f"-{_macs_off(result):.0%}"]


def _error(value: float | None) -> str:
    return "inexact" if value is None else f"{value:.0e}"


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def main(argv: Sequence[str]) -> int:
    """Run what is missing, print the table, keep the results."""
    args = parse(argv)
    held = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    models: dict[str, dict[str, Any]] = held.get("models", {})
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=True, highlight=False, width=_WIDTH)
    names = args.models or [*torchvision_names(), *detection_names(), *zoo_names()]
    for name in names:
        row = models.setdefault(name, {})
        for tool in args.tools:
            if (tool in row and not args.models) or (tool == PEER and name in detection_names()):
                continue
            row[tool] = run_tool(tool, name, args.threads, args.seconds if tool == PEER else None)
            state = "pruned" if _is_sound(row[tool]) else row[tool].get("fault") or row[tool]["why"]
            console.print(f"{name}: {tool}: {state}", markup=False)
        content = {
            "ratio": RATIO,
            "machine": {**machine(torch.device("cpu")), "threads": args.threads},
            "versions": {**versions(), "torch_pruning": package_version("torch-pruning")},
            "summary": summary(models),
            "models": models,
        }
        write_text_atomic(args.out, json.dumps(content, indent=1) + "\n")
    console.print(table({name: models[name] for name in names}))
    console.print_json(json.dumps(summary(models)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
