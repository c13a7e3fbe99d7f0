"""NeuMF on MovieLens 100K: three methods, 40 % of the parameters, tables included, five seeds.

    python examples/benchmarks/ratings_table.py recbole-1.2.1-py3-none-any.whl

For every seed a NeuMF is trained as the teacher. A smaller one is pruned under it with SS-SAD,
SP-SAD and LTH-SAD, and trained whole with SAD as what they are compared with. All items are ranked
for every user by the last interaction held out; the most popular items and EASE stand beside.
Settings were chosen on the validation users of seed 0. Runs are folders below `--runs`: what was
interrupted goes on where it was. Each call makes the runs that are missing, `--most` of them if
given, and writes the rows of what is finished, as JSON and as a table; `--latency` measures, too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgeprune.atomic import write_text_atomic
from edgeprune.data import load_data
from edgeprune.device.latency import measure_interleaved
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner
from edgeprune.export.onnx import export_onnx
from edgeprune.models.load import ModelOptions, load_model
from edgeprune.models.registry import build_model
from edgeprune.pipeline import compress
from edgeprune.pretrain import pretrain
from edgeprune.report.ranking_table import gain_difference, gains, hit_difference, hits
from edgeprune.report.run_files import load_predictions
from edgeprune.report.run_report import REPORT_NAME, RunReport, load_report
from edgeprune.statistics import over_seeds

_RESULTS = Path(__file__).resolve().parent / "results"
METHODS = ("ss_sad", "sp_sad", "lth_sad")
BATCHES = (1, 64, 1024)
_TOLERANCE = 0.02  # of the dense student's HR
_DENSE = "dense SAD student"
_NAMES = {"teacher": "teacher", "control_dense": _DENSE, "student": ""}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("ratings", type=Path, help="the wheel, or a folder of atomic files")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--teacher", default="neumf")
    parser.add_argument("--student", default="neumf_small")
    parser.add_argument("--keep", type=float, default=0.4, help="share of the parameters")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--teacher-epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--alpha", type=float, default=0.2)
    parser.add_argument("--beta", type=float, default=100.0)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--most", type=int, help="runs to make in this call")
    parser.add_argument("--latency", action="store_true", help="measure latencies, too")
    parser.add_argument("--repeats", type=int, default=300, help="of a timed inference")
    parser.add_argument("--runs", type=Path, default=Path("runs/bench/ratings"))
    parser.add_argument("--results", type=Path, default=_RESULTS / "ratings.json")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Make the runs that are not made yet, writing the table after each."""
    args = parse(argv)
    torch.set_num_threads(1)
    for method, seed in islice(missing(args), args.most):
        run(args, method, seed)
        write(args)
    if args.latency:
        content = json.dumps(latencies(args), indent=1) + "\n"
        write_text_atomic(args.runs / "latency.json", content)
    write(args)
    return 0


def missing(args: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Runs without a report, all seeds of a method before the next one."""
    cells = ((method, seed) for method in args.methods for seed in args.seeds)
    return (cell for cell in cells if not (folder(args, *cell) / REPORT_NAME).exists())


def folder(args: argparse.Namespace, method: str, seed: int) -> Path:
    """Where a run lies."""
    return Path(args.runs) / f"{method}-{seed}"


def run(args: argparse.Namespace, method: str, seed: int) -> RunReport:
    """One method with one seed; the first method trains the dense student as well."""
    data = f"ratings:{args.ratings}"
    teacher = args.runs / f"teacher-{seed}.pt"
    pretrain(
        args.teacher, data, teacher, epochs=args.teacher_epochs, lr=0.005, seed=seed, device="cpu"
    )
    return compress(
        teacher,
        args.student,
        data,
        method,
        out=folder(args, method, seed),
        controls=("dense",) if method == METHODS[0] else (),
        device="cpu",
        show_progress=True,
        seed=seed,
        epochs=args.epochs,
        batch_size=args.batch_size,
        target_params=args.keep,
        lr=args.lr,
        alpha=args.alpha,
        beta=args.beta,
    )


def write(args: argparse.Namespace) -> None:
    """The finished rows as JSON and as a table beside it."""
    settings = {
        name: str(value) for name, value in vars(args).items()
        if name not in ("results", "most", "latency", "runs")
    }  # fmt: skip
    settings["ratings"] = args.ratings.name
    timed = args.runs / "latency.json"
    content: dict[str, Any] = {
        "settings": settings,
        "rows": list(rows(args)),
        "latency": json.loads(timed.read_text()) if timed.exists() else [],
    }
    write_text_atomic(args.results, json.dumps(content, indent=1) + "\n")
    write_text_atomic(args.results.with_suffix(".md"), markdown(content))


def rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What needs no network, teacher and dense student, then a row per method."""
    whole = finished(args, METHODS[0])
    if not whole:
        return
    first = next(iter(whole.values()))[0]
    for name in first.extra["ranking"]["baselines"]:
        yield {"network": name, **summary({s: held[name] for s, (_, held) in whole.items()}, 10)}
    for key, sizes in (("teacher", first.teacher), ("control_dense", first.dense_student)):
        ranks = {seed: held[key] for seed, (_, held) in whole.items()}
        yield {"network": _NAMES[key], "params": sizes["params"], **summary(ranks, 10)}
    dense = {seed: held["control_dense"] for seed, (_, held) in whole.items()}
    for method in args.methods:
        found = finished(args, method)
        if found:
            yield method_row(method, found, dense)


def finished(
    args: argparse.Namespace, method: str
) -> dict[int, tuple[RunReport, Mapping[str, NDArray[Any]]]]:
    """Reports and test ranks by seed."""
    found = {}
    for seed in args.seeds:
        place = folder(args, method, seed)
        if (place / REPORT_NAME).exists():
            held = load_predictions(place)
            assert held is not None
            found[seed] = (load_report(place), held)
    return found


def method_row(
    method: str,
    found: Mapping[int, tuple[RunReport, Mapping[str, NDArray[Any]]]],
    dense: Mapping[int, NDArray[Any]],
) -> dict[str, Any]:
    """A method over its seeds, against the dense student of the same seeds, paired."""
    seeds = sorted(found.keys() & dense.keys())
    mine = np.stack([found[seed][1]["student"] for seed in seeds])
    whole = np.stack([dense[seed] for seed in seeds])
    lead, gain = hit_difference(mine, whole, 10), gain_difference(mine, whole, 10)
    of_dense = float(hits(whole, 10).mean())
    reports = [found[seed][0] for seed in seeds]
    return {
        "network": method,
        "params": int(np.median([r.student["params"] for r in reports])),
        "size_reduction": float(np.mean([r.size_reduction for r in reports])),
        "onnx_bytes": int(np.median([r.onnx["bytes"] for r in reports if r.onnx])),
        "onnx_max_abs_error": max(r.onnx["max_abs_error"] for r in reports if r.onnx),
        "search_epochs": float(np.mean([r.search_epochs for r in reports])),
        **summary({seed: found[seed][1]["student"] for seed in seeds}, 10),
        "hr_minus_dense": asdict(lead),
        "ndcg_minus_dense": asdict(gain),
        "hr_against_dense": lead.difference / of_dense,
        "hr_against_dense_low": lead.low / of_dense,
        "hr_against_dense_high": lead.high / of_dense,
        "within_2_percent": lead.difference / of_dense >= -_TOLERANCE,
        "interval_reaches_2_percent": lead.high / of_dense >= -_TOLERANCE,
    }


def summary(ranks: Mapping[int, NDArray[Any]], k: int) -> dict[str, Any]:
    """HR@k and NDCG@k over seeds."""
    hr = over_seeds([float(hits(places, k).mean()) for places in ranks.values()])
    ndcg = over_seeds([float(gains(places, k).mean()) for places in ranks.values()])
    return {"seeds": sorted(ranks), "hr": hr.mean, "hr_std": hr.std, "ndcg": ndcg.mean,
            "ndcg_std": ndcg.std}  # fmt: skip


def latencies(args: argparse.Namespace) -> list[dict[str, Any]]:
    """p50 at every batch size, all networks in turns in one process, one thread."""
    data = load_data(f"ratings:{args.ratings}", seed=0)
    seed, place = args.seeds[0], args.runs
    teacher = load_model(place / f"teacher-{seed}.pt", ModelOptions()).module
    networks = {"teacher": teacher, _DENSE: build_model(args.student, **data.arch_args)}
    paths = {
        method: folder(args, method, seed) / "student.onnx"
        for method in args.methods
        if (folder(args, method, seed) / REPORT_NAME).exists()
    }
    for name, module in networks.items():
        paths[name] = place / f"{name.replace(' ', '-')}.onnx"
        export_onnx(module.eval(), data.example_inputs(2), paths[name])
    found = []
    for batch in BATCHES:
        runners = {name: OnnxRuntimeRunner(path, 1) for name, path in paths.items()}
        (ids,) = (tensor.numpy() for tensor in data.example_inputs(batch))
        with OnnxRuntimeRunner(paths["teacher"], 1) as named:
            feed = {named.input_names[0]: ids}
        measured = measure_interleaved(runners, feed, warmup=20, repeats=args.repeats)
        found += [
            {
                "network": name, "batch": batch, "p50_ms": one.p50_ms, "p99_ms": one.p99_ms,
                "pairs_per_s_per_core": 1000 * batch / one.p50_ms,
                "onnx_bytes": paths[name].stat().st_size,
            }
            for name, one in measured.items()
        ]  # fmt: skip
    return found


def markdown(content: Mapping[str, Any]) -> str:
    """The rows as people read them."""
    lines = [
        "| network | seeds | parameters | size | HR@10 | NDCG@10 | HR@10 against dense [95 %] |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        params = f"{row['params']:,}" if "params" in row else ""
        size = f"−{100 * row['size_reduction']:.1f} %" if "size_reduction" in row else ""
        against = ""
        if "hr_against_dense" in row:
            low, high = row["hr_against_dense_low"], row["hr_against_dense_high"]
            against = f"{row['hr_against_dense']:+.1%} [{low:+.1%}, {high:+.1%}]"
        lines.append(
            f"| {row['network']} | {len(row['seeds'])} | {params} | {size} | {_with(row, 'hr')} | "
            f"{_with(row, 'ndcg')} | {against} |"
        )
    batches = " | ".join(f"batch {batch}: p50 ms, pairs/s" for batch in BATCHES)
    lines += ["", f"| network | bytes | {batches} |", "|---|---|" + "---|" * len(BATCHES)]
    by_name: dict[str, list[dict[str, Any]]] = {}
    for entry in content["latency"]:
        by_name.setdefault(entry["network"], []).append(entry)
    for name, entries in by_name.items():
        cells = [f"{e['p50_ms']:.3f}, {e['pairs_per_s_per_core']:,.0f}" for e in entries]
        lines.append(f"| {name} | {entries[0]['onnx_bytes']:,} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _with(row: Mapping[str, Any], name: str) -> str:
    spread = row[f"{name}_std"]
    return f"{row[name]:.4f}" + (f" ± {spread:.4f}" if spread else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
