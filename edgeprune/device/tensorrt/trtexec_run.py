"""Running an engine with trtexec, where Python has no TensorRT."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from edgeprune.device.errors import DeviceError
from edgeprune.device.tensorrt.trtexec import Trtexec

_WARM_MS = 200
_PATIENCE_S = 300.0  # beyond the time that is asked for: libraries load from a cold disk


@dataclass(frozen=True)
class TrtexecRun:
    """What trtexec measured and computed.

    Attributes:
        latency_ms: of each inference, from the copy of its inputs to that of its outputs.
        compute_ms: of each, on the GPU alone.
        outputs: of the last, by name, in C order.
    """

    latency_ms: tuple[float, ...]
    compute_ms: tuple[float, ...]
    outputs: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class TrtexecEngine:
    """An engine for trtexec.

    Attributes:
        program: trtexec.
        path: the engine.
        shapes: of its inputs whose batch is open, with the batch to run.
        plugins: libraries to load first.
    """

    program: Trtexec
    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    plugins: Sequence[str] = ()

    def run(self, seconds: float, feed: Mapping[str, Path] | None = None) -> TrtexecRun:
        """Run it for a while.

        Args:
            seconds: at least; warming up comes before.
            feed: file of raw values for each input; None for random ones.

        Raises:
            DeviceError: trtexec fails, or does not tell what it measured.
        """
        with tempfile.TemporaryDirectory(prefix="edgeprune-trtexec-") as folder:
            times, outputs = Path(folder) / "times.json", Path(folder) / "outputs.json"
            options = ["--useCudaGraph", f"--exportTimes={times}", f"--exportOutput={outputs}"]
            self.call(seconds, feed, options)
            return _read(times, outputs, self.program.label)

    def call(self, seconds: float, feed: Mapping[str, Path] | None, options: Sequence[str]) -> None:
        """Run it for a while, with more options of trtexec.

        Raises:
            DeviceError: trtexec fails.
        """
        command = [
            self.program.path,
            f"--loadEngine={self.path}",
            f"--duration={seconds:g}",
            f"--warmUp={_WARM_MS}",
            *options,
        ]
        if self.shapes:
            told = (f"{name}:{'x'.join(map(str, shape))}" for name, shape in self.shapes.items())
            command.append("--shapes=" + ",".join(told))
        if feed:
            command.append("--loadInputs=" + ",".join(f"{n}:{path}" for n, path in feed.items()))
        option = "--staticPlugins" if self.program.release >= (8, 6) else "--plugins"
        command += [f"{option}={Path(plugin).resolve()}" for plugin in self.plugins]
        _call(command, seconds, self.program.label)


def _call(command: Sequence[str], seconds: float, label: str) -> None:
    try:
        ended = subprocess.run(
            list(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + _PATIENCE_S,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as failure:
        raise DeviceError(f"{label}: does not start ({failure.strerror})") from failure
    except subprocess.TimeoutExpired as failure:
        raise DeviceError(f"{label}: did not end {_PATIENCE_S:.0f} s after it should") from failure
    if ended.returncode:
        errors = [line for line in ended.stdout.splitlines() if "[E]" in line]
        said = errors[0].partition("[E]")[2].strip() if errors else f"code {ended.returncode}"
        raise DeviceError(f"{label}: cannot run the engine: {said}")


def _read(times: Path, outputs: Path, label: str) -> TrtexecRun:
    try:
        rows: list[dict[str, Any]] = json.loads(times.read_text(encoding="utf-8"))
        values: list[dict[str, Any]] = json.loads(outputs.read_text(encoding="utf-8"))
        return TrtexecRun(
            latency_ms=tuple(float(row["latencyMs"]) for row in rows),
            compute_ms=tuple(float(row["computeMs"]) for row in rows),
            outputs={str(one["name"]): tuple(map(float, one["values"])) for one in values},
        )
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise DeviceError(f"{label}: did not tell what it measured ({failure})") from failure
