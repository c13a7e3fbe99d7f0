"""The meter for this machine's CPU: ONNX Runtime and the benchmark's protocol."""

from __future__ import annotations

import contextlib
import platform
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.deploy.meter import Figures, figures_of
from edgeprune.device.bench.cpu import benchmark_cpu
from edgeprune.device.bench.feeds import random_feed
from edgeprune.device.bench.load import as_fast_as_possible
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.errors import DeviceUnsupportedError
from edgeprune.device.power.choose import open_sensor
from edgeprune.device.power.measure import measure as power_window
from edgeprune.device.power.sensor import SensorError
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner, onnxruntime_version
from edgeprune.processor import cpu_model, usable_cores

# Many graphs have to be timed, and only their ratios count: short turns, without the pauses that
# absolute figures want.
TURNS = Protocol(repeats=7, seconds=0.12, slice_s=0.02, settle_s=0.05, warmup_s=1.0)
_WINDOW_S = 1.0  # of a graph in a repeat, for its energy: many times the sensor's interval
_INTERVAL_MS = 50.0
_TRIES = 5  # at most, until a window holds


class CpuMeter:
    """ONNX Runtime on this machine.

    Energy is that of the whole processor at full load. Ratios in turns need no baseline of the idle
    machine, as figures to publish do.

    Args:
        batch: samples of a request.
        threads: of ONNX Runtime; None for one a core.
        protocol: how long and how often.
        energy: whether energy is measured as well.
    """

    onnx_target = "cpu"

    def __init__(
        self,
        batch: int = 1,
        threads: int | None = None,
        protocol: Protocol = TURNS,
        *,
        energy: bool = False,
    ) -> None:
        self._batch = batch
        self._threads = threads
        self._protocol = protocol
        self._energy = energy

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
            open_sensor(processor="cpu").close()
        except SensorError as failure:
            return str(failure)
        return None

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        """Time the graphs in turns (see `Meter`)."""
        found = figures_of(
            benchmark_cpu(graphs, self._protocol, batch=self._batch, threads=self._threads)
        )
        if not self._energy:
            return found
        energy = self._energy_mj(graphs)
        return {name: replace(figures, energy_mj=energy[name]) for name, figures in found.items()}

    def _energy_mj(self, graphs: Mapping[str, Path]) -> dict[str, tuple[float, ...]]:
        """Of a sample, in each repeat; the graphs have turns of a second."""
        order, names = random.Random(self._protocol.seed), list(graphs)
        found: dict[str, list[float]] = {name: [] for name in names}
        with contextlib.ExitStack() as stack:
            runners = {
                name: stack.enter_context(OnnxRuntimeRunner(path, self._threads))
                for name, path in graphs.items()
            }
            feeds = {name: random_feed(path, self._batch) for name, path in graphs.items()}
            for _ in range(self._protocol.repeats):
                order.shuffle(names)
                for name in names:
                    request_mj = _request_mj(runners[name], feeds[name])
                    found[name].append(request_mj / self._batch)
        return {name: tuple(values) for name, values in found.items()}


def _request_mj(runner: OnnxRuntimeRunner, feed: Mapping[str, np.ndarray]) -> float:
    """Energy of a request, one after the other.

    A search measures for hours, and other work may take the processor from the sensor's thread for
    a while: a window that does not hold for that is measured again.

    Raises:
        DeviceUnsupportedError: the sensor fails, gives no total, or never gets its readings.
    """
    as_fast_as_possible(lambda: runner.infer(feed), 0.0)
    reason = ""
    for _ in range(_TRIES):
        with power_window(interval_ms=_INTERVAL_MS, processor="cpu") as window:
            turn = as_fast_as_possible(lambda: runner.infer(feed), _WINDOW_S)
        if window.result.energy_j is not None:
            # The turn leaves out its first request; the window does not.
            return 1e3 * window.result.energy_j / (len(turn.latency_ms) + 1)
        reason = window.result.reason
        if window.error or not window.result.is_void:
            break
    raise DeviceUnsupportedError(f"no energy was measured: {reason}")
