"""The protocol with ONNX Runtime on this machine's CPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Mapping

from edgeprune.device.bench.feeds import random_feed
from edgeprune.device.bench.measure import measure, say_nothing
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner, onnxruntime_version


def benchmark_cpu(
    graphs: Mapping[str, Path],
    protocol: Protocol,
    *,
    batch: int = 1,
    threads: int | None = None,
    tell: Callable[[str], None] = say_nothing,
) -> Benchmark:
    """Time ONNX files side by side.

    Args:
        graphs: files by the name that they are to have.
        batch: samples of a request.
        threads: of ONNX Runtime; None for one a core.

    Raises:
        DeviceError: a file that cannot be read or run, or a setting out of range.
    """
    return measure(
        {name: OnnxRuntimeRunner(path, threads) for name, path in graphs.items()},
        {name: random_feed(path, batch) for name, path in graphs.items()},
        protocol,
        runtime=f"ONNX Runtime {onnxruntime_version()}",
        threads=threads or len(os.sched_getaffinity(0)),
        tell=tell,
    )
