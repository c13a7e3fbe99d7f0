"""What a recommender's tables take in fewer bytes, and what that costs: HR@10, error, time.

    python examples/benchmarks/table_bytes.py recbole-1.2.1-py3-none-any.whl

A NeuMF is trained once. Nothing is trained after that: its tables become FP16 or INT8, or its rare
ids share rows (one row, or several by hash), or both. Every graph ranks all items for every user's
held-out interaction in ONNX Runtime, against the network in PyTorch, with paired bootstrap 95 %
intervals over users; then the graphs are timed side by side at a recommender's batch sizes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from edgeprune.atomic import write_text_atomic
from edgeprune.data import load_data
from edgeprune.deploy.benchmark import benchmark
from edgeprune.device.bench.protocol import Protocol
from edgeprune.export.files import export_file
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.summary import summarise
from edgeprune.pretrain import pretrain
from edgeprune.prune.rows.apply import RowSettings, choose_for, map_rows
from edgeprune.prune.rows.choice import Tail
from edgeprune.prune.rows.counts import count_ids
from edgeprune.verify.run import VerifyRequest, verify

_RESULTS = Path(__file__).resolve().parent / "results"
BATCHES = (1, 64, 1024)
TYPES = ("fp32", "fp16", "int8")
SMALL, MOST = 100, 0.5
# Share of rows kept, what the rare ids read, least rows of a table that loses some: of MovieLens
# 100K's tables those of items alone have a thousand.
SHARED: tuple[tuple[float, Tail, int], ...] = (
    (0.5, "shared", 1000),
    (0.5, "hashed", 1000),
    (0.5, "shared", 100),
    (0.5, "hashed", 100),
    (0.25, "shared", 100),
    (0.25, "hashed", 100),
)


def main(argv: Sequence[str]) -> int:
    """Train, shrink, rank, time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("ratings", type=Path, help="the wheel, or a folder of atomic files")
    parser.add_argument("--arch", default="neumf")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a graph in each repeat")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--no-times", action="store_true", help="keep those of the last record")
    parser.add_argument("--runs", type=Path, default=Path("runs/bench/tables"))
    parser.add_argument("--results", type=Path, default=_RESULTS / "table_bytes.json")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.runs.mkdir(parents=True, exist_ok=True)
    data = f"ratings:{args.ratings}"
    teacher = args.runs / "teacher.pt"
    pretrain(args.arch, data, teacher, epochs=args.epochs, lr=0.005, seed=0, device="cpu")
    graphs = written(args, teacher, data)
    found = ranked(teacher, data, graphs)
    if args.no_times:
        times = json.loads(args.results.read_text(encoding="utf-8"))["times"]
    else:
        times = timed(args, {row["name"]: Path(row["file"]) for row in graphs})
    content = {
        "arch": args.arch,
        "ratings": args.ratings.name,
        **found,
        "rows": [{**row, "file": Path(row["file"]).name} for row in found["rows"]],
        "times": times,
    }
    write_text_atomic(args.results, json.dumps(content, indent=1) + "\n")
    write_text_atomic(args.results.with_suffix(".md"), markdown(content))
    return 0


def written(args: argparse.Namespace, teacher: Path, data: str) -> list[dict[str, Any]]:
    """All graphs, with what is known of them before they run."""
    rows = [exported(teacher, kind, "all rows") for kind in TYPES]
    for fraction, tail, least in SHARED:
        smaller = with_fewer_rows(args, teacher, data, fraction, tail, least)
        of = "items' rows" if least > SMALL else "rows"
        rows.append(exported(smaller, "fp32", f"{fraction:.0%} of the {of}, {tail}"))
        if fraction >= MOST:
            rows.append(exported(smaller, "int8", f"{fraction:.0%} of the {of}, {tail}"))
    return rows


def exported(checkpoint: Path, kind: str, name: str) -> dict[str, Any]:
    """A graph of a checkpoint, its tables in a type."""
    file = checkpoint.with_suffix(f".{kind}.onnx")
    report = export_file(checkpoint, file, tables=kind)
    loaded = load_model(checkpoint, ModelOptions())
    example = tuple(
        torch.zeros(1, *s.shape, dtype=torch.int64) for s in loaded.module.input_specs()
    )  # type: ignore[operator]
    summary = summarise(loaded.module, example)
    return {
        "name": f"{name}, {kind}",
        "file": str(file),
        "bytes": report.bytes,
        "params": summary.params,
        "table_share": sum(table.share for table in summary.tables),
        "max_abs_error": report.tables.max_abs_error if report.tables else 0.0,
    }


def with_fewer_rows(
    args: argparse.Namespace, teacher: Path, data: str, fraction: float, tail: Tail, least: int
) -> Path:
    """A checkpoint of the same network whose rare ids share rows; not trained again."""
    loaded = load_model(teacher, ModelOptions())
    batches = load_data(data, seed=0).batches("train", batch_size=4096)
    counts = count_ids(loaded.module, (batch.inputs for batch in batches))
    settings = RowSettings(fraction, tail, least)
    map_rows(loaded.module, counts, choose_for(loaded.module, counts, settings))
    path = args.runs / f"{tail}-{100 * fraction:.0f}-from-{least}.pt"
    held = checkpoint_of(
        loaded.module,
        arch=loaded.arch,
        arch_args=loaded.arch_args,
        preprocessing=loaded.preprocessing,
    )
    save_checkpoint(path, held)
    return path


def ranked(teacher: Path, data: str, graphs: list[dict[str, Any]]) -> dict[str, Any]:
    """HR@10 of every graph beside the trained network's, paired over users."""
    files = tuple(Path(row["file"]) for row in graphs)
    report = verify(teacher, VerifyRequest(onnx_files=files, data=data))
    by_file = {row.graph: row for row in report.comparisons}
    for row in graphs:
        compared = by_file[row["file"]]
        lead = compared.metric_difference
        row["metric"] = compared.metric
        row["minus_network"] = None if lead is None else [lead.difference, lead.low, lead.high]
    return {"metric": report.metric_name, "network": report.metric_pytorch, "rows": graphs}


def timed(args: argparse.Namespace, graphs: dict[str, Path]) -> list[dict[str, Any]]:
    """The graphs of all rows in turns, one thread, at every batch size."""
    chosen = {name: path for name, path in graphs.items() if name.startswith("all rows")}
    found = []
    for batch in BATCHES:
        protocol = Protocol(repeats=args.repeats, seconds=args.seconds, warmup_s=2.0)
        result = benchmark(list(chosen.values()), batch=batch, threads=1, protocol=protocol)
        for name, model in zip(chosen, result.models, strict=True):
            found.append({
                "name": name, "batch": batch, "p50_ms": model.p50_ms, "p99_ms": model.p99_ms,
                "samples_per_s_and_core": result.per_core_hz(model),
                "cpu": result.before.cpu, "warnings": len(result.warnings),
            })  # fmt: skip
    return found


def markdown(content: dict[str, Any]) -> str:
    """The rows as tables."""
    lines = [
        f"{content['arch']} on {content['ratings']}: {content['metric']} "
        f"{content['network']:.4f} in PyTorch",
        "",
        f"| tables | file, kB | parameters | {content['metric']} | minus the network |",
        "|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        lead = row["minus_network"]
        told = "" if lead is None else f"{lead[0]:+.4f} [{lead[1]:+.4f}, {lead[2]:+.4f}]"
        lines.append(
            f"| {row['name']} | {row['bytes'] / 1e3:,.0f} | {row['params']:,} | "
            f"{row['metric']:.4f} | {told} |"
        )
    lines += [
        "",
        "| tables | batch | p50, ms | p99, ms | samples/s a core |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['name']} | {row['batch']} | {row['p50_ms']:.3f} | {row['p99_ms']:.3f} | "
        f"{row['samples_per_s_and_core']:,.0f} |"
        for row in content["times"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
