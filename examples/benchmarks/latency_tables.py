"""How well latencies of narrowed networks are predicted: from whole networks, or layer by layer.

    python examples/benchmarks/latency_tables.py
    python examples/benchmarks/latency_tables.py --network resnet20 --size 32 --networks 40

Random widths are predicted, then measured, each network in turns with the dense one. Compared are
the table that `--target-latency-ms` uses (whole networks, one group narrowed at a time, the rest
with MACs), the same savings added up, every convolution measured alone at a grid of its widths, and
MACs alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from latency_parts.layers import LayerTables, places_of
from rich.console import Console
from rich.table import Table
from sad_step import machine

from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.cpu_meter import TURNS, CpuMeter
from edgeprune.export.narrowed import NarrowedGraphs
from edgeprune.methods.measured.cache import MeasuredCache, share
from edgeprune.methods.measured.tables import measure_tables
from edgeprune.methods.measured.variants import plan_variants, removal_of
from edgeprune.models.registry import build_model
from edgeprune.prune.cost import CostModel
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.width_rules import WidthRules
from edgeprune.report.versions import versions

_RESULTS = Path(__file__).resolve().parent / "results" / "latency_tables.json"
_NAME = "target_latency_ms"
_TOGETHER = 5
_WAYS = {
    "table": "whole networks and MACs (what is used)",
    "added": "whole networks, savings added up",
    "layers": "every convolution alone, bilinear",
    "macs": "MACs alone",
}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--network", default="wrn_16_1")
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--networks", type=int, default=25, help="of random widths")
    parser.add_argument("--round-to", type=int, default=8)
    parser.add_argument("--latency-threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=_RESULTS)
    return parser.parse_args(argv)


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """Predicted and measured shares of the dense network's latency, by way."""
    network = build_model(args.network, num_classes=10, in_channels=args.channels).eval()
    inputs = (torch.zeros(2, args.channels, args.size, args.size),)
    graph = find_channels(network, inputs)
    costs, rules = CostModel.of(network, graph), WidthRules(args.round_to)
    variants = plan_variants(graph, rules)
    protocol = replace(TURNS, repeats=args.repeats)
    meter = CpuMeter(1, args.latency_threads, protocol=protocol)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        graphs = NarrowedGraphs(network, graph, inputs, folder)
        cache = MeasuredCache(folder, {})
        table = measure_tables(
            graphs, graph, costs, variants, meter, cache, [_NAME], lambda *_: None
        )[_NAME]
        dense = places_of(graphs.dense())
        widths = {width for place in dense for width in place.widths}
        sizes = {g.name: g.size for g in graph.groups}
        grid = {
            width: sorted(
                {width}
                | {
                    cut.width
                    for name, own in variants.cuts.items()
                    for cut in own
                    if sizes[name] == width
                }
            )
            for width in widths
        }
        layers = LayerTables(dense, grid, meter, folder)
        rng = np.random.default_rng(args.seed)
        rows = []
        for begin in range(0, args.networks, _TOGETHER):
            drawn = {
                f"random-{n}": np.array([rng.choice(_choices(variants, g)) for g in graph.groups])
                for n in range(begin, min(begin + _TOGETHER, args.networks))
            }
            paths = {n: graphs.narrowed(removal_of(c), n) for n, c in drawn.items()}
            found = meter.measure({"dense": graphs.dense(), **paths})
            for name, counts in drawn.items():
                macs = costs.params_and_macs(counts[None])[:, 1] / costs.macs()
                added = replace(table, by_macs=0.0)
                rows.append(
                    {
                        "measured": share(found[name].latency_ms, found["dense"].latency_ms),
                        "table": float(table.predict(graph, counts[None], macs)[0] / table.dense),
                        "added": float(added.predict(graph, counts[None], macs)[0] / table.dense),
                        "layers": 1.0 - layers.saved_ms(places_of(paths[name])) / table.dense,
                        "macs": float(macs[0]),
                    }
                )
    return {
        "network": args.network,
        "size": args.size,
        "dense_ms": table.dense,
        "by_macs": table.by_macs,
        "graphs": {"whole": len(variants.removed), "layers": layers.measured},
        "networks": rows,
        "errors": {way: _errors(rows, way) for way in _WAYS},
    }


def _choices(variants: Any, group: Any) -> list[int]:
    return [0, *(group.size - cut.width for cut in variants.cuts.get(group.name, ()))]


def _errors(rows: Sequence[dict[str, float]], way: str) -> dict[str, float]:
    error = np.array([row[way] / row["measured"] - 1.0 for row in rows])
    return {
        "mean": float(np.abs(error).mean()),
        "largest": float(np.abs(error).max()),
        "bias": float(error.mean()),
    }


def show(result: dict[str, Any]) -> Table:
    """The table, for rich."""
    title = (
        f"{result['network']}, {result['size']}x{result['size']}, dense {result['dense_ms']:.3f} "
        f"ms: predicted / measured − 1 over {len(result['networks'])} networks of random widths"
    )
    table = Table(title=title, title_justify="left", width=100)
    table.add_column("way")
    for heading in ("graphs", "mean |error|", "largest", "bias"):
        table.add_column(heading, justify="right")
    graphs = {"table": "whole", "added": "whole", "layers": "layers"}
    for way, text in _WAYS.items():
        found = result["errors"][way]
        count = str(result["graphs"][graphs[way]]) if way in graphs else "0"
        cells = (f"{found['mean']:.1%}", f"{found['largest']:.1%}", f"{found['bias']:+.1%}")
        table.add_row(text, count, *cells)
    return table


def main(argv: Sequence[str]) -> int:
    """Measure, predict, compare."""
    args = parse(argv)
    result = {
        **compare(args),
        "latency_threads": args.latency_threads,
        "machine": machine(torch.device("cpu")),
        "versions": versions(),
    }
    write_text_atomic(args.results, json.dumps(result, indent=1) + "\n")
    Console(width=110).print(show(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
