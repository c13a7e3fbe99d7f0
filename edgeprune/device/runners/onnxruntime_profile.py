"""Where ONNX Runtime spends its time, node by node."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Collection, Mapping

import numpy as np

from edgeprune.device.onnx.file import read_onnx
from edgeprune.device.race.onnxruntime_layers import profiled
from edgeprune.device.race.race import ProfiledLayer
from edgeprune.device.runners.onnxruntime import OnnxRuntimeRunner

_SUFFIX = "_kernel_time"


@dataclass(frozen=True)
class NodeTime:
    """Median time of one node of the optimised graph.

    Attributes:
        name: as ONNX Runtime calls it: of a node of the file, or of the value that a fused group of
            nodes computes.
        op: its operator.
        p50_ms: median over the timed runs.
    """

    name: str
    op: str
    p50_ms: float


class ProfilingRunner(OnnxRuntimeRunner):
    """A runner that times every node; its own latency is not comparable with others'.

    Args:
        path: the `.onnx` file.
        folder: for the profile.
        threads: as for `OnnxRuntimeRunner`.
        optimised: file to write the graph to that ONNX Runtime makes of it; None for none.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        folder: str,
        threads: int | None = None,
        optimised: Path | None = None,
    ):
        super().__init__(path, threads)
        self._folder = folder
        self._optimised = optimised

    def end(self) -> list[dict[str, Any]]:
        """The events so far; ends the profile."""
        written = Path(self._session.end_profiling())
        events: list[dict[str, Any]] = json.loads(written.read_text(encoding="utf-8"))
        return events

    def _options(self, runtime: Any) -> Any:
        options = super()._options(runtime)
        options.enable_profiling = True
        if self._optimised is not None:
            options.optimized_model_filepath = str(self._optimised)
        options.profile_file_prefix = os.path.join(self._folder, "profile")  # noqa: PTH118
        return options


def profile_nodes(
    path: str | os.PathLike[str],
    feed: Mapping[str, np.ndarray],
    *,
    warmup: int = 5,
    repeats: int = 30,
    threads: int | None = None,
) -> tuple[NodeTime, ...]:
    """Time every node of an ONNX file, in the order of execution.

    Args:
        feed: the inputs, batch on axis 0.
        warmup: untimed runs.
        repeats: timed runs, at least one.
        threads: as for `OnnxRuntimeRunner`.

    Raises:
        DeviceError: the file cannot be loaded or refuses the inputs.
    """
    with tempfile.TemporaryDirectory() as folder, ProfilingRunner(path, folder, threads) as runner:
        return _node_times(runner, feed, warmup, repeats)


def profile_race(
    path: Path,
    feed: Mapping[str, np.ndarray],
    raced: Collection[str],
    *,
    warmup: int = 5,
    repeats: int = 30,
    threads: int | None = None,
) -> tuple[ProfiledLayer, ...]:
    """Time every node, and tell which nodes of the file each was made from.

    Args:
        raced: modules whose layers race.

    Raises:
        DeviceError: as `profile_nodes`.
    """
    with tempfile.TemporaryDirectory() as folder:
        optimised = Path(folder) / "optimised.onnx"
        with ProfilingRunner(path, folder, threads, optimised) as runner:
            times = _node_times(runner, feed, warmup, repeats)
        times_ms = {(node.name, node.op): node.p50_ms for node in times}
        return profiled(read_onnx(path).nodes, read_onnx(optimised).nodes, times_ms, raced)


def _node_times(
    runner: ProfilingRunner, feed: Mapping[str, np.ndarray], warmup: int, repeats: int
) -> tuple[NodeTime, ...]:
    for _ in range(warmup + repeats):
        runner.infer(feed)
    times_us: dict[tuple[str, str], list[float]] = {}
    for event in runner.end():
        if event.get("cat") == "Node" and event["name"].endswith(_SUFFIX):
            key = (event["name"][: -len(_SUFFIX)], event["args"]["op_name"])
            times_us.setdefault(key, []).append(event["dur"])
    return tuple(
        NodeTime(name, op, float(np.median(times[warmup:])) / 1e3)
        for (name, op), times in times_us.items()
        if len(times) > warmup
    )
