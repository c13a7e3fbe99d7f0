"""The sparse convolution on a GPU: right by cuDNN, tuned over its tactics, and how fast.

    pip install 'edgeprune[pycuda]'                          # where CUDA is
    python examples/benchmarks/sparse_conv.py
    python examples/benchmarks/sparse_conv.py --kinds fp16-hwc8 --vectors 1 32 --densities 0.05

For the 3x3 layers of ResNet-18 and WRN-16-2, batch 1, with a bias: the weight is masked at random
in columns of V output channels and packed as export packs it for this GPU. Every tactic's result is
held against cuDNN's (through torch, without TF32), then all are timed; the fastest and cuDNN's
faster memory format are timed again, in turns. Copies between layouts are not counted. Times are
medians by the GPU's clock, of launches that follow each other; clocks are left as they are, so fix
them first (on a Jetson: `nvpmodel`, `jetson_clocks`). JSON goes to `--out`, the table to stdout.
Without a GPU, PyCUDA or torch with CUDA one line says so, and the exit code is 5.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parents[1] / "cuda" / "harness"))

from sparse_harness.build import BuildError  # noqa: E402
from sparse_harness.cases import TOLERANCE, draw_operands, relative_error  # noqa: E402
from sparse_harness.gpu import Gpu, Prepared, open_driver  # noqa: E402
from sparse_harness.gpu_dense import DenseConvolution  # noqa: E402
from sparse_harness.networks import layers, with_channel_tile  # noqa: E402
from sparse_harness.structures import (  # noqa: E402
    FLOAT16,
    FLOAT32,
    HWC8,
    LINEAR,
    Convolution,
    TacticStruct,
)

from edgeprune.atomic import write_text_atomic  # noqa: E402
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError  # noqa: E402
from edgeprune.report.versions import versions  # noqa: E402

KINDS = {
    "fp32": (FLOAT32, LINEAR), "fp16": (FLOAT16, LINEAR), "fp16-hwc8": (FLOAT16, HWC8),
}  # fmt: skip
VECTORS = (1, 2, 4, 8, 32)
_TENSOR_SM = 80
_TURNS = 5
_RESULTS = _HERE / "results" / "sparse_conv.json"


class WrongResultError(DeviceError):
    """A tactic does not give what cuDNN does."""


@dataclass(frozen=True)
class Asked:
    """A layer to measure."""

    name: str
    kind: str
    density: float
    conv: Convolution


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--vectors", nargs="+", type=int, choices=VECTORS, default=[1, 4, 32])
    parser.add_argument("--densities", nargs="+", type=_share, default=[0.1, 0.05, 0.02])
    parser.add_argument("--layers", default="", help="only those whose name has this in it")
    parser.add_argument("--repeats", type=int, default=15, help="of every time")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    return parser.parse_args(argv)


def asked_for(options: argparse.Namespace, sm: int) -> Iterator[Asked]:
    """Every layer, as export packs it for this compute capability.

    V = 32 is the tensor cores' kernel's: of FP16, from sm_80 on.
    """
    for kind in options.kinds:
        type_, layout = KINDS[kind]
        for vector in options.vectors:
            if vector == 32 and (type_ == FLOAT32 or sm < _TENSOR_SM):
                continue
            named = layers(vector=vector, type=type_, layout=layout)
            for name, conv in named.items():
                for density in options.densities if options.layers in name else ():
                    own = replace(conv, sm=sm, bias=True)
                    yield Asked(name, kind, density, with_channel_tile(own, density))


def measured(gpu: Gpu, asked: Asked, repeats: int) -> dict[str, Any]:
    """One layer: checked, tuned, and timed against cuDNN.

    Raises:
        WrongResultError: a tactic does not give what cuDNN does.
    """
    conv = asked.conv
    operands, weight = draw_operands(conv, asked.density, np.random.default_rng(0))
    dense = DenseConvolution(conv, operands, weight)
    expected = dense.output().astype(np.float64)
    tactics = gpu.planner.tactics(conv)
    gpu.load([gpu.planner.plan(conv, tactic).kernel.decode() for tactic in tactics])
    default = gpu.planner.default_tactic(conv, asked.density)
    found = []
    for tactic in [default, *tactics]:
        prepared = Prepared(gpu, conv, tactic, operands)
        prepared()
        error = relative_error(prepared.output(), expected, float(np.abs(expected).max()))
        if not error <= TOLERANCE[conv.type]:
            layer = f"{asked.name}, {asked.kind}, V {conv.vector}"
            raise WrongResultError(f"{layer}: {_plain(tactic)} is off by {error:.1e}")
        found.append((gpu.time_ms(prepared, 5), error, tactic, prepared))
    _, _, tactic, fastest = min(found[1:], key=lambda each: each[0])
    formats = {name: gpu.time_ms(call, repeats) for name, call in dense.calls.items()}
    own_format = min(formats, key=formats.__getitem__)
    turns = [
        (gpu.time_ms(dense.calls[own_format], repeats), gpu.time_ms(fastest, repeats))
        for _ in range(_TURNS)
    ]
    dense_ms, sparse_ms = (median(side) for side in zip(*turns, strict=True))
    return {
        "layer": asked.name, "kind": asked.kind, "vector": conv.vector, "density": asked.density,
        "channel_tile": conv.channel_tile, "dense_ms": dense_ms, "dense_format": own_format,
        "sparse_ms": sparse_ms, "speedup": dense_ms / sparse_ms, "default_ms": found[0][0],
        "tactics": len(tactics), "tactic": _plain(tactic),
        "largest_error": max(error for _, error, _, _ in found),
    }  # fmt: skip


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """Both sides of every layer."""
    shown = Table(title="the sparse convolution against cuDNN's dense one")
    for heading in ("layer", "type", "V", "density", "cuDNN ms", "sparse ms", "times as fast"):
        shown.add_column(heading, justify="left" if heading in ("layer", "type") else "right")
    for row in rows:
        shown.add_row(
            row["layer"], row["kind"], str(row["vector"]), f"{row['density']:.0%}",
            f"{row['dense_ms']:.4f} {row['dense_format']}", f"{row['sparse_ms']:.4f}",
            f"{row['speedup']:.2f}",
        )  # fmt: skip
    return shown


def main(argv: Sequence[str]) -> int:
    """Measure all that is asked for; the error's exit code where that cannot be done."""
    options = parse(argv)
    try:
        with Gpu(open_driver()) as gpu:
            run(gpu, options)
    except DeviceError as failure:
        print(f"sparse_conv.py: {failure}", file=sys.stderr)
        return failure.exit_code
    except BuildError as failure:  # of NVRTC for this GPU
        print(f"sparse_conv.py: {str(failure).partition(chr(10))[0]}", file=sys.stderr)
        return DeviceUnsupportedError.exit_code
    return 0


def run(gpu: Gpu, options: argparse.Namespace) -> None:
    """Measure, print and write.

    Raises:
        DeviceUnsupportedError: nothing of what is asked for runs on this GPU.
    """
    wanted = list(asked_for(options, gpu.sm))
    if not wanted:
        raise DeviceUnsupportedError(
            f"none of these layers runs on sm_{gpu.sm}: V 32 takes FP16 and sm_{_TENSOR_SM}"
        )
    rows = []
    for asked in wanted:
        rows.append(measured(gpu, asked, options.repeats))
        print(f"{asked.name}, {asked.kind}, V {asked.conv.vector}, {asked.density:.0%}: "
              f"{rows[-1]['speedup']:.2f} x", file=sys.stderr, flush=True)  # fmt: skip
    faster = sum(row["speedup"] > 1 for row in rows)
    found = {
        "gpu": gpu.name, "sm": gpu.sm, "versions": versions(), "rows": rows,
        "summary": f"faster than cuDNN in {faster} of {len(rows)} cases",
    }  # fmt: skip
    write_text_atomic(options.out, json.dumps(found, indent=1) + "\n")
    console = Console(width=120)
    console.print(table(rows))
    console.print(found["summary"])


def _plain(tactic: TacticStruct) -> dict[str, int]:
    return {name: int(getattr(tactic, name)) for name, _ in tactic._fields_}


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share above 0, up to 1")
    return share


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
