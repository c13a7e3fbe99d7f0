"""Sparse convolutions against ONNX Runtime's dense ones on this CPU, layer by layer.

    python examples/benchmarks/sparse_conv_cpu.py
    python examples/benchmarks/sparse_conv_cpu.py --networks wrn_16_2 --densities 0.1 --seconds 3

For every shape of 3x3 convolution in WRN-16-2 (32x32 images) and ResNet-18 (224x224), with bias and
ReLU: ONNX Runtime's dense convolution, the sparse kernel called alone, and the sparse kernel as an
operator in ONNX Runtime, at several densities and V (output channels that share a column of the
mask). All run in turns in one process, every result is checked first. On one thread the ratios are
of the process's own clock, which other work on the machine does not move; both clocks are in the
JSON, which goes to `--out`; the tables go to stdout.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from sad_step import machine
from sparse_cpu_parts.candidates import candidates
from sparse_cpu_parts.layers import NETWORKS, ConvLayer, layers_of
from sparse_cpu_parts.tables import summary, tables
from sparse_cpu_parts.timing import times_in_turns

from edgeprune.atomic import write_text_atomic
from edgeprune.device.sparse.cpu.build import find_compiler
from edgeprune.device.sparse.cpu.kernel import loaded
from edgeprune.report.versions import package_version, versions

_RESULTS = Path(__file__).resolve().parent / "results" / "sparse_conv_cpu.json"
_WIDTH = 150  # of the tables


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--vectors", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--densities", nargs="+", type=float, default=[0.5, 0.2, 0.1, 0.05, 0.02])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each layer and batch size")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    return parser.parse_args(argv)


def measured(layer: ConvLayer, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """One layer at one batch size."""
    cases = list(itertools.product(options.vectors, options.densities))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        calls = candidates(layer, batch, cases, options.threads, folder, stack)
        times = times_in_turns(calls, options.seconds)
    about = {"layer": layer.name, "modules": layer.modules, "macs": layer.macs}
    return {**about, "batch": batch, "load_average": os.getloadavg()[0], "us": times}


def main(argv: Sequence[str]) -> int:
    """Run everything that is asked for."""
    options = parse(argv)
    layers = [layer for network in options.networks for layer in layers_of(network)]
    rows = []
    for layer, batch in itertools.product(layers, options.batches):
        print(f"{layer.name}, batch {batch}", file=sys.stderr)
        rows.append(measured(layer, batch, options))
    result = {
        "machine": machine(torch.device("cpu")),
        "compiler": find_compiler(),
        "floats_of_a_vector": loaded().edgeprune_sparse_width(),
        "versions": {
            **versions(), "onnxruntime-extensions": package_version("onnxruntime-extensions")
        },
        "threads": options.threads,
        "clock": "cpu_p50" if options.threads == 1 else "p50",
        "batches": options.batches,
        "vectors": options.vectors,
        "densities": options.densities,
        "rows": rows,
    }  # fmt: skip
    result["summary"] = summary(result)
    write_text_atomic(options.out, json.dumps(result, indent=1) + "\n")
    console = Console(width=_WIDTH)
    for table in tables(result):
        console.print(table)
    print("\n".join(result["summary"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
