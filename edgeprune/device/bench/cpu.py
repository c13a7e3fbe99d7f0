"""The protocol with ONNX Runtime on this machine's CPU."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Callable, Mapping

from edgeprune.device.bench.energy_protocol import EnergyProtocol
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
    energy: EnergyProtocol | None = None,
    tell: Callable[[str], None] = say_nothing,
) -> Benchmark:
    """Time ONNX files side by side.

    Args:
        graphs: files by the name that they are to have.
        batch: samples of a request.
        threads: of ONNX Runtime; None for one a core.
        energy: how to measure joules too; None for not at all.
        tell: gets a line about each step.

    Raises:
        DeviceError: a file that cannot be read or run, a setting out of range, or no sensor where
            energy is asked for.
    """
    found = measure(
        {name: OnnxRuntimeRunner(path, threads) for name, path in graphs.items()},
        {name: random_feed(path, batch) for name, path in graphs.items()},
        protocol,
        runtime=f"ONNX Runtime {onnxruntime_version()}",
        threads=threads or len(os.sched_getaffinity(0)),
        energy=energy,
        processor="cpu",
        tell=tell,
    )
    return replace(found, model_bytes={name: p.stat().st_size for name, p in graphs.items()})
