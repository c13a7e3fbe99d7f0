"""What a deploy does on the board."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
class Prepared:
    """A bundle on the board, built and checked.

    Attributes:
        place: its folder there.
        sent_bytes: that had to be sent.
        files: size of all that was asked for, by digest.
        build: the agent's result.
        verify: the agent's result.
    """

    place: str
    sent_bytes: int
    files: Mapping[str, int]
    build: Mapping[str, Any]
    verify: Mapping[str, Any]

    def after(self, other: Prepared | None) -> Prepared:
        """With what was sent for another bundle before."""
        if other is None:
            return self
        sent = self.sent_bytes + other.sent_bytes
        return replace(self, sent_bytes=sent, files={**other.files, **self.files})


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


class OnBoard:
    """What a deploy does with bundles on a board.

    Args:
        board: the board.
        agent: on it.
        request: how.
        listener: hears of the steps.
    """

    def __init__(
        self, board: AnyBoard, agent: Agent, request: DeployRequest, listener: Listener
    ) -> None:
        self._board = board
        self._agent = agent
        self._request = request
        self._listener = listener
        self.tell = listener.step

    def prepare(self, written: WrittenBundle) -> Prepared:
        """Send a bundle; build and verify.

        Raises:
            BoardError: the connection is lost, or the board's disk is full.
            AgentError: it fails there.
        """
        names = [*written.manifest.files, MANIFEST]
        sent = self._board.push(
            {name: written.folder / name for name in names},
            self._request.folder,
            beside=agent_folder(self._request),
            tell=_Teller(self._listener).tell,
        )
        self.tell(_sent(sent))
        options = [sent.path, *self._request.agent_options]
        return Prepared(
            place=sent.path,
            sent_bytes=sent.sent_bytes,
            files={file.sha256: file.bytes for file in written.manifest.files.values()},
            build=self._agent.call(["build", *options]),
            verify=self._agent.call(["verify", *options]),
        )

    def race(self, bundle: Prepared) -> dict[str, Any]:
        """Sparse layers against dense ones.

        Raises:
            AgentError: it fails there.
        """
        clocks = ["--lock-clocks"] if self._request.lock_clocks else []
        return self._agent.call(["race", bundle.place, *self._request.agent_options, *clocks])

    def measure(self, bundle: Prepared) -> dict[str, Any] | None:
        """The benchmark; None where none is asked for.

        Raises:
            AgentError: it fails there.
        """
        if self._request.protocol is None:
            return None
        options = [*self._request.agent_options, *self._request.bench_options]
        return self._agent.call(["bench", bundle.place, *options])


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
