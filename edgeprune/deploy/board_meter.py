"""The meter for a board: graphs go there as a bundle, and the agent times them side by side."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgeprune.atomic import write_bytes_atomic
from edgeprune.deploy.agent import Agent, Listener
from edgeprune.deploy.bundle.agent_archive import agent_archive
from edgeprune.deploy.bundle.seal import save_array, seal
from edgeprune.deploy.deploy import board_of
from edgeprune.deploy.meter import Figures, figures_of
from edgeprune.deploy.on_board import AnyBoard, agent_folder, send_agent
from edgeprune.deploy.plain import from_plain
from edgeprune.deploy.request import DeployRequest
from edgeprune.deploy.ssh import SshOptions
from edgeprune.deploy.target import require_target, target_of
from edgeprune.device.bench.energy_protocol import EnergyProtocol
from edgeprune.device.bench.feeds import random_feed
from edgeprune.device.bench.protocol import Protocol
from edgeprune.device.bench.result import Benchmark
from edgeprune.device.bundle.manifest import (
    MANIFEST,
    BundleInput,
    BundleModel,
)
from edgeprune.device.probe.probe import Probe
from edgeprune.device.targets import Target

# Only ratios count, so that what figures to publish need is not needed here.
_TURNS = Protocol(seconds=0.3, warmup_s=3.0)
_WINDOWS = EnergyProtocol(window_s=3.0, idle_s=3.0, pause_s=0.0, cool_s=0.0, warmup_s=3.0)


def board_meter(
    target: str,
    host: str | None,
    *,
    ssh: SshOptions | None = None,
    batch: int = 1,
    threads: int | None = None,
    repeats: int = _TURNS.repeats,
    energy: bool = False,
    listener: Listener | None = None,
) -> BoardMeter:
    """The meter of a board.

    Args:
        target: as `edgeprune deploy` takes it.
        host: `[user@]host[:port]`; None for this machine.
        ssh: options of ssh.
        batch: samples of a request.
        threads: of ONNX Runtime.
        repeats: of every measurement.
        energy: whether energy is measured too.
        listener: hears of the steps.

    Raises:
        UserInputError: there is no such target.
    """
    request = DeployRequest(
        target=target,
        host=host,
        ssh=ssh or SshOptions(),
        batch=batch,
        threads=threads,
        protocol=replace(_TURNS, repeats=repeats),
        energy="on" if energy else "off",
        energy_protocol=replace(_WINDOWS, repeats=repeats),
    )
    return BoardMeter(request, listener)


class BoardMeter:
    """A board at the other end of ssh, or this machine as one.

    Every measurement connects anew, since hours of training lie between them. Graphs are FP32, and
    what their engines make of that is the board's.

    Args:
        request: which board and how; its protocol says how long and how often.
        listener: hears of the steps.

    Raises:
        UserInputError: there is no such target.
    """

    def __init__(self, request: DeployRequest, listener: Listener | None = None) -> None:
        require_target(request.target)
        self._request = request
        self._listener = listener or Listener()

    @property
    def identity(self) -> Mapping[str, Any]:
        """The board as it tells of itself, its runtime, threads and batch."""
        label, target, found = self._board
        software = found.software
        return {
            "target": f"{label}: {found.board or found.chip or software.machine}, {target.label}",
            "runtime": f"{self._request.runtime}: TensorRT {software.tensorrt}, "
            f"ONNX Runtime {software.onnxruntime}",
            "threads": self._request.threads or 0,
            "batch": self._request.batch,
        }

    @property
    def onnx_target(self) -> str:
        """The board's."""
        return self._board[1].name

    @property
    def no_energy(self) -> str | None:
        """What the board's sensors say where none of them has a total."""
        answers = self._board[2].sensors
        if any(answer.scope is not None for answer in answers):
            return None
        return "; ".join(f"{answer.sensor}: {answer.reason}" for answer in answers)

    def measure(self, graphs: Mapping[str, Path]) -> Mapping[str, Figures]:
        """Time the graphs in turns on the board (see `Meter`).

        Raises:
            BoardError: no connection, or one that is lost.
            AgentError: a graph cannot be built or run there.
        """
        target = self._board[1]
        with self._connected() as (board, agent), tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            files = _write(folder, graphs, target)
            sent = board.push(
                {name: folder / name for name in files},
                self._request.folder,
                beside=agent_folder(self._request),
            )
            found = agent.call(
                ["bench", sent.path, *self._request.agent_options, *self._request.bench_options]
            )
        return figures_of(from_plain(Benchmark, found))

    @cached_property
    def _board(self) -> tuple[str, Target, Probe]:
        with self._connected() as (board, agent):
            told = agent.call(["probe", "--folder", board.path(self._request.folder)])
            target = target_of(self._request, told, self._listener)
            return board.label, target, from_plain(Probe, told)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[tuple[AnyBoard, Agent]]:
        request, tell = self._request, self._listener.step
        with contextlib.ExitStack() as stack:
            board = stack.enter_context(board_of(request))
            stack.enter_context(board.lock(request.folder, wait_s=request.wait_s, tell=tell))
            yield board, send_agent(board, request, self._listener)


def _write(folder: Path, graphs: Mapping[str, Path], target: Target) -> list[str]:
    """A bundle's files in the folder, by name."""
    inputs, files = [], []
    for name, sample in random_feed(next(iter(graphs.values())), batch=1).items():
        files.append(f"{name}.npy")
        save_array(folder / files[-1], sample)
        inputs.append(BundleInput(name, sample.shape[1:], None, None, str(sample.dtype)))
    models = []
    for name, path in graphs.items():
        file = f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.onnx"
        write_bytes_atomic(folder / file, path.read_bytes())
        models.append(BundleModel(name, file, "fp32", reference=None))
    manifest = seal(
        folder,
        agent_archive(),
        target,
        name="narrowed networks",
        inputs=inputs,
        models=tuple(models),
        reference_inputs=files,
    )
    return [*manifest.files, MANIFEST]
