"""What FP16 and INT8 cost finished runs: top-1 on the test set, against FP32.

    python examples/benchmarks/precision.py runs/a runs/b --out /tmp/precision.json

Each run's student is exported for a target in FP32, FP16 and INT8 (scales from training images;
layers go back to FP16 on the validation split), verified on the test set, and built by
TensorRT-RTX. FP16 is emulated by rounding every value. The runs themselves are left as they are.
Results are added to `--out`, run by run; the table goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from sad_step import machine

from edgeprune.atomic import write_text_atomic
from edgeprune.device.tensorrt.bindings import load_bindings
from edgeprune.device.tensorrt.build import build_plan
from edgeprune.device.tensorrt.settings import EngineSettings
from edgeprune.export.files import export_file
from edgeprune.export.precision.request import PrecisionRequest
from edgeprune.recipe import load_recipe
from edgeprune.report.versions import versions
from edgeprune.verify.run import VerifyRequest, verify

PRECISIONS = ("fp32", "fp16", "int8")
_RESULTS = Path(__file__).resolve().parent / "results" / "precision.json"


def measure(run: Path, target: str, sm: str) -> dict[str, Any]:
    """One run in all precisions."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("student.pt", "recipe.yaml"):
            shutil.copy(run / name, folder / name)
        rows = {name: _exported(folder, name, target, sm) for name in PRECISIONS}
        report = verify(folder, VerifyRequest())
    for found in report.comparisons:
        rows[found.precision] |= {
            "top1": found.metric,
            "difference": _plain(found.metric_difference),
            "agreement_percent": found.agreement_percent,
            "snr_db": found.snr_db,
        }
    recipe = load_recipe(run / "recipe.yaml")
    return {
        "method": recipe.method, "data": Path(recipe.data).name, "images": report.images,
        "top1_pytorch": report.metric_pytorch, "precisions": rows,
    }  # fmt: skip


def _exported(folder: Path, precision: Any, target: str, sm: str) -> dict[str, Any]:
    written = export_file(folder, target=target, precision=PrecisionRequest(precision))
    plan = build_plan(
        Path(written.path), load_bindings("tensorrt-rtx"), EngineSettings(sm=sm)
    )  # fmt: skip
    report = written.precision
    return {
        "onnx_bytes": written.bytes,
        "plan_bytes": len(plan.data),
        "build_seconds": plan.seconds,
        "calibration": report.calibration if report else None,
        "int8_places": len(report.int8_layers) if report else 0,
        "went_back": [cost.layer for cost in report.layers if not cost.int8] if report else [],
    }


def _plain(interval: Any) -> dict[str, float] | None:
    if interval is None:
        return None
    return {name: float(getattr(interval, name)) for name in ("difference", "low", "high")}


def table(runs: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row per run and precision."""
    shown = Table(title="Top-1 on the test set, by precision")
    for heading in ("run", "data", "precision"):
        shown.add_column(heading)
    for heading in ("top-1 %", "− PyTorch [95 %]", "dB", "INT8 places", "ONNX MB", "engine MB"):
        shown.add_column(heading, justify="right")
    for run in runs.values():
        for precision, row in run["precisions"].items():
            gap = row["difference"]
            interval = f"{gap['difference']:+.2f} [{gap['low']:+.2f}, {gap['high']:+.2f}]"
            shown.add_row(
                run["method"], run["data"], precision, f"{row['top1']:.2f}", interval,
                f"{row['snr_db']:.0f}", str(row["int8_places"] or ""),
                f"{row['onnx_bytes'] / 1e6:.2f}", f"{row['plan_bytes'] / 1e6:.2f}",
            )  # fmt: skip
    return shown


def main(argv: Sequence[str]) -> int:
    """Measure the runs, print the table, keep the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    parser.add_argument("--target", default="jetson-orin")
    parser.add_argument("--sm", default="86", help="compute capability to build for")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    args = parser.parse_args(argv)
    held = json.loads(args.out.read_text(encoding="utf-8")) if args.out.exists() else {}
    runs: dict[str, Any] = held.get("runs", {})
    for run in args.runs:
        found = measure(run, args.target, args.sm)
        runs[f"{found['data']}/{found['method']}"] = found
        content = {
            "target": args.target, "sm": args.sm, "runs": runs,
            "machine": machine(torch.device("cpu")), "versions": versions(),
        }  # fmt: skip
        write_text_atomic(args.out, json.dumps(content, indent=1) + "\n")
    Console(stderr=True, width=110).print(table(runs))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
