"""What a deploy does on the board."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeprune.atomic import write_bytes_atomic
from edgeprune.deploy.agent import Agent, Listener
from edgeprune.deploy.bundle.agent_archive import agent_archive
from edgeprune.deploy.bundle.write import WrittenBundle
from edgeprune.deploy.local_board import LocalBoard
from edgeprune.deploy.python import USUAL, Python, find_python
from edgeprune.deploy.request import DeployRequest
from edgeprune.deploy.ssh import Board, Progress, Transfer
from edgeprune.device.bundle.manifest import AGENT, MANIFEST
from edgeprune.device.cache import cache_folder

AnyBoard = Board | LocalBoard
_TELL_EVERY = 0.05  # of a transfer


class Notes(Listener):
    """Hands on what it hears, and keeps the notes, each once."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.notes: list[str] = []

    def step(self, text: str) -> None:
        self._listener.step(text)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            self._listener.note(text)

    def progress(self, phase: str, done: int, steps: int) -> None:
        self._listener.progress(phase, done, steps)


@dataclass(frozen=True)
class Done:
    """What came of it.

    Attributes:
        place: the bundle's folder on the board.
        sent_bytes: that had to be sent.
        build: the agent's result.
        verify: the agent's result.
        bench: the agent's result; None where none was asked for.
    """

    place: str
    sent_bytes: int
    build: Mapping[str, Any]
    verify: Mapping[str, Any]
    bench: Mapping[str, Any] | None


def send_agent(board: AnyBoard, request: DeployRequest, listener: Listener) -> Agent:
    """The agent, on the board before there is a bundle, since it says what the bundle is to be.

    Raises:
        UnsupportedError: the board has no Python.
    """
    python = _python(board, request)
    listener.step(f"the agent runs in {python}")
    content = agent_archive()
    digest = hashlib.sha256(content).hexdigest()[:16]
    archive = cache_folder() / "agent" / digest / AGENT
    if not archive.is_file() or archive.read_bytes() != content:
        write_bytes_atomic(archive, content)
    sent = board.push({AGENT: archive}, agent_folder(request))
    # Engines lie beside the bundles, on whichever disk the user named.
    options = ["--cache", board.path(request.folder)] if isinstance(board, Board) else []
    return Agent(board, python.path, f"{sent.path}/{AGENT}", listener, options)


def agent_folder(request: DeployRequest) -> str:
    """Where the agent lies on the board; bundles take it from there."""
    return f"{request.folder}/agent"


def _python(board: AnyBoard, request: DeployRequest) -> Python:
    is_on_cpu = "onnxruntime" in request.agent_options
    module = "onnxruntime" if is_on_cpu else "tensorrt"
    # ONNX Runtime is where edgeprune is, which need not be on PATH.
    here = (sys.executable,) if is_on_cpu and isinstance(board, LocalBoard) else ()
    return find_python(board, module, (*here, *USUAL))


def work(
    board: AnyBoard,
    agent: Agent,
    written: WrittenBundle,
    request: DeployRequest,
    listener: Listener,
) -> Done:
    """Send the bundle; build, verify and measure.

    Raises:
        BoardError: the connection is lost, or the board's disk is full.
        AgentError: it fails there.
    """
    names = [*written.manifest.files, MANIFEST]
    files = {name: written.folder / name for name in names}
    sent = board.push(
        files, request.folder, beside=agent_folder(request), tell=_Teller(listener).tell
    )
    listener.step(_sent(sent))
    options = [sent.path, *request.agent_options]
    build = agent.call(["build", *options])
    verify = agent.call(["verify", *options])
    bench = None
    if request.protocol is not None:
        bench = agent.call(["bench", *options, *request.bench_options])
    return Done(sent.path, sent.sent_bytes, build, verify, bench)


def _sent(sent: Transfer) -> str:
    if not sent.sent:
        return f"nothing to send: all {len(sent.kept)} files of the bundle are there"
    return f"{len(sent.sent)} files sent, {sent.sent_bytes / 1e6:.1f} MB; {len(sent.kept)} kept"


class _Teller:
    """A transfer's progress, so seldom that it can be read."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._told = 0.0

    def tell(self, moment: Progress) -> None:
        """A moment of it."""
        share = moment.sent_bytes / max(moment.total_bytes, 1)
        if share >= self._told + _TELL_EVERY or (share == 1.0 and self._told < 1.0):
            self._told = share
            self._listener.progress("sending, bytes", moment.sent_bytes, moment.total_bytes)
