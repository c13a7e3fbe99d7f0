"""The meter for this machine's CPU: ONNX Runtime and the benchmark's protocol."""

from __future__ import annotations

import contextlib
import platform
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.deploy.meter import Figures
from edgeprune.device.bench.cpu import benchmark_cpu
from edgeprune.device.bench.feeds import random_feed
from edgeprune.device.bench.load import as_fast_as_possible
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.power import choose
from edgeprune.device.power.measure import measure as power_window
from edgeprune.device.power.sensor import SensorError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner, onnxruntime_version
from edgeprune.report.versions import cpu_model, usable_cores

# Many graphs have to be timed, and only their ratios count: short turns, without the pauses that
# absolute figures want.
TURNS = Protocol(repeats=7, seconds=0.12, slice_s=0.02, settle_s=0.05, warmup_s=1.0)
_WINDOW_S = 1.0  # of each graph in each repeat, for its energy: many times a sensor's interval
_INTERVAL_MS = 50


class CpuMeter:
    """ONNX Runtime on this machine.

    Args:
        batch: samples of a request.
        threads: of ONNX Runtime; None for one a core.
        energy: whether to measure energy as well, of the whole processor, idle power included.
        protocol: how long and how often.
    """

    onnx_target = "cpu"

    def __init__(
        self,
        batch: int = 1,
        threads: int | None = None,
        *,
        energy: bool = False,
        protocol: Protocol = TURNS,
    ) -> None:
        self._batch = batch
        self._threads = threads
        self._energy = energy
        self._protocol = protocol

    @property
    def identity(self) -> Mapping[str, Any]:
        """The processor, ONNX Runtime, threads and batch."""
        return {
            "target": f"this CPU, {cpu_model()}, {platform.machine()}",
            "runtime": f"ONNX Runtime {onnxruntime_version()}",
            "threads": self._threads or usable_cores(),
            "batch": self._batch,
        }

    @property
    def no_energy(self) -> str | None:
        """What the sensors say where none measures the processor's energy."""
        try:
            with choose.open_sensor(processor="cpu"):
                return None
        except SensorError as failure:
            return str(failure)

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        """Time the graphs in turns (see `Meter`)."""
        found = benchmark_cpu(graphs, self._protocol, batch=self._batch, threads=self._threads)
        joules = self._energy_mj(graphs) if self._energy else {}
        return {
            model.name: Figures(model.repeats_p50_ms, joules.get(model.name))
            for model in found.models
        }

    def _energy_mj(self, graphs: Mapping[str, Path]) -> dict[str, tuple[float, ...]]:
        """Energy of an inference in each repeat, one graph after the other at full load."""
        runners = {name: OnnxRuntimeRunner(path, self._threads) for name, path in graphs.items()}
        feeds = {name: random_feed(path, self._batch) for name, path in graphs.items()}
        order = random.Random(self._protocol.seed)
        names = list(graphs)
        found: dict[str, list[float]] = {name: [] for name in names}
        with contextlib.ExitStack() as stack:
            for runner in runners.values():
                stack.enter_context(runner)
            for _ in range(self._protocol.repeats):
                order.shuffle(names)
                for name in names:
                    found[name].append(_inference_mj(runners[name], feeds[name]))
        return {name: tuple(values) for name, values in found.items()}


def _inference_mj(runner: OnnxRuntimeRunner, feed: Mapping[str, np.ndarray]) -> float:
    """Raises DeviceUnsupportedError where the sensor gives no total."""
    as_fast_as_possible(lambda: runner.infer(feed), 0.0)
    with power_window(interval_ms=_INTERVAL_MS, processor="cpu") as window:
        turn = as_fast_as_possible(lambda: runner.infer(feed), _WINDOW_S)
    energy_j = window.result.energy_j
    if energy_j is None:
        raise DeviceUnsupportedError(f"no energy was measured: {window.result.reason}")
    # The window holds one request more than the turn, which leaves its first one out.
    return 1e3 * energy_j / (len(turn.latency_ms) + 1)
