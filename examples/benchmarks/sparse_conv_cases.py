"""The sparse convolution without a GPU: random cases, and exact counts on real layers.

    python examples/benchmarks/sparse_conv_cases.py
    python examples/benchmarks/sparse_conv_cases.py --cases 100 --out /tmp/cases.json
    python examples/benchmarks/sparse_conv_cases.py --parts vmma-plain vmma-races vmma-sanitized

Runs the kernels of `cuda/` through the emulation. Random convolutions of all kinds are compared
with a float64 reference: with the plain build in three schedules, and with the build that checks
every access for races. So are those of the kernel for tensor cores alone (`vmma-`), which a build
with ASan and UBSan runs as well. Then the 3x3 layers of ResNet-18 and WRN-16-2, packed with V = 4,
are run once each in a build that counts: idle lanes, bank conflicts, sectors of 32 bytes over the
fewest possible, and multiply-adds per load of shared memory. `density` is the share of columns
that is stored: 0.1 is a mask of 90 % zeros whose groups of 4 outputs share their columns, 0.344
what 90 % zeros anywhere leave of such columns. JSON goes to `--out`, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parents[1] / "cuda" / "harness"))

from sparse_harness.build import emulator_library, vmma_library  # noqa: E402
from sparse_harness.cases import draw_case  # noqa: E402
from sparse_harness.emulator import FORWARD, RANDOM, REVERSE, Emulator  # noqa: E402
from sparse_harness.measure import (  # noqa: E402
    NAMES,
    CaseFigures,
    measure_cases,
    measure_layer,
)
from sparse_harness.networks import layers  # noqa: E402
from sparse_harness.sanitized import sanitizers_loaded  # noqa: E402
from sparse_harness.vmma_cases import draw_vmma_case  # noqa: E402

_RESULTS = _HERE / "results" / "sparse_conv_cases.json"
_DENSITIES = (0.1, 0.344)
_CHUNK = 50
_TENSOR = "vmma-"
_SCHEDULES = {
    "plain": (FORWARD, REVERSE, RANDOM),
    "races": (FORWARD,),
    "vmma-plain": (FORWARD, REVERSE, RANDOM),
    "vmma-races": (FORWARD,),
    "vmma-sanitized": (FORWARD,),
}
_PARTS = ("layers", *_SCHEDULES)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000, help="random layers of each build")
    parser.add_argument(
        "--parts", nargs="+", choices=_PARTS, default=_PARTS, help="others stay as in --out"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=_RESULTS)
    return parser.parse_args(argv)


def chunk_of_cases(build: str, first: int, cases: int) -> CaseFigures:
    """Some of a build's cases, in a process of its own."""
    emulator = Emulator(library_of(build))
    draw = draw_vmma_case if build.startswith(_TENSOR) else draw_case
    return measure_cases(emulator, first, cases, _SCHEDULES[build], draw)


def library_of(build: str) -> Path:
    """With all kernels, or with those for tensor cores."""
    if build.startswith(_TENSOR):
        return vmma_library(build[len(_TENSOR) :])
    return emulator_library(build)


def together(parts: Sequence[CaseFigures]) -> dict[str, object]:
    """The figures of all."""
    return asdict(
        CaseFigures(
            sum(part.cases for part in parts),
            sum(part.runs for part in parts),
            [failure for part in parts for failure in part.failures],
            max(part.largest_error_float32 for part in parts),
            max(part.largest_error_float16 for part in parts),
        )
    )


def cases_of(build: str, cases: int, workers: int) -> dict[str, object]:
    """All of a build."""
    library_of(build)
    with ExitStack() as stack:
        if build.endswith("sanitized"):
            stack.enter_context(sanitizers_loaded())
        # Not forked, so that what is preloaded is.
        pool = stack.enter_context(ProcessPoolExecutor(workers, get_context("spawn")))
        starts = range(0, cases, _CHUNK)
        jobs = [
            pool.submit(chunk_of_cases, build, first, min(_CHUNK, cases - first))
            for first in starts
        ]
        parts = []
        for job in jobs:
            parts.append(job.result())
            print(f"{build}: {sum(p.cases for p in parts)} of {cases}", file=sys.stderr, flush=True)
    return together(parts)


def counted_layers() -> dict[str, dict[str, dict[str, object]]]:
    """By type and density, then by layer."""
    emulator = Emulator(emulator_library("counts"))
    found: dict[str, dict[str, dict[str, object]]] = {}
    for type_, name in enumerate(NAMES):
        for density in _DENSITIES:
            row = found.setdefault(f"{name}, density {density}", {})
            for layer, conv in layers(vector=4, type=type_).items():
                row[layer] = measure_layer(emulator, conv, density).as_json()
                print(f"{name} {density} {layer}: {row[layer]}", file=sys.stderr, flush=True)
    return found


def main(argv: Sequence[str]) -> int:
    """Writes the figures; 1 where a case failed."""
    options = parse(argv)
    figures = json.loads(options.out.read_text()) if options.out.exists() else {}
    for part in options.parts:
        cases = part in _SCHEDULES
        figures[part] = (
            cases_of(part, options.cases, options.workers) if cases else counted_layers()
        )
        options.out.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if any(figures[part]["failures"] for part in _SCHEDULES if part in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
