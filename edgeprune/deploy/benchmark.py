"""`edgeprune.benchmark`: networks timed side by side on a target."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edgeprune.deploy.candidates import candidates
from edgeprune.device.bench.cpu import benchmark_cpu
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.measure import say_nothing
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark
from edgeprune.errors import UserInputError

TARGETS = ("cpu",)


def benchmark(
    sources: Sequence[str | os.PathLike[str]],
    *,
    target: str = "cpu",
    batch: int = 1,
    threads: int | None = None,
    protocol: Protocol | None = None,
    energy: EnergyProtocol | bool = False,
    tell: Callable[[str], None] = say_nothing,
) -> Benchmark:
    """Time networks side by side; the first is what the others are compared with.

    Args:
        sources: ONNX files, and run folders, of which each stands for the student's architecture
            before pruning and for the student.
        target: `cpu`, this machine with ONNX Runtime.
        batch: samples of a request.
        threads: of the runtime; None for one a core.
        protocol: how long, how often, under which load; None for the defaults.
        energy: measure joules of an inference too; how, or True for the defaults, which take about
            half an hour for two networks.
        tell: gets a line about each step.

    Raises:
        UserInputError: a source that is no model, or an unknown target.
        DeviceError: a model that cannot be run, a setting out of range, or no sensor where energy
            is asked for (exit code 5, before anything is timed).
    """
    if target not in TARGETS:
        raise UserInputError(f"--target {target}: use {', '.join(TARGETS)}")
    if batch < 1:
        raise UserInputError(f"--batch {batch}: use 1 or more")
    with tempfile.TemporaryDirectory(prefix="edgeprune-") as folder:
        graphs = candidates([Path(source) for source in sources], Path(folder))
        return benchmark_cpu(
            graphs,
            protocol or Protocol(),
            batch=batch,
            threads=threads,
            energy=EnergyProtocol() if energy is True else energy or None,
            tell=tell,
        )
