"""The benchmark protocol on a bundle's models."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from edgeprune.device.agent.events import Events
from edgeprune.device.agent.verify import read_array
from edgeprune.device.bench.measure import measure
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.bundle.manifest import Manifest
from edgeprune.device.bundle.preprocess import prepare
from edgeprune.device.runners.base import Runner


def bench_models(
    bundle: Path,
    manifest: Manifest,
    runners: dict[str, Runner],
    protocol: Protocol,
    *,
    runtime: str,
    batch: int,
    threads: int | None,
    events: Events,
) -> Benchmark:
    """Time models side by side on the reference inputs.

    Args:
        runtime: name and version, for the record.
        batch: samples of a request.

    Raises:
        DeviceError: a model fails, or a setting is out of range.
    """
    samples = prepare(read_array(bundle / manifest.reference_inputs), manifest.input)
    feed = {manifest.input.name: np.resize(samples, (batch, *samples.shape[1:]))}
    return measure(
        runners,
        dict.fromkeys(runners, feed),
        protocol,
        runtime=runtime,
        threads=threads or len(os.sched_getaffinity(0)),
        tell=events.step,
    )
