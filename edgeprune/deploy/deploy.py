"""`edgeprune.deploy`: a run goes to a board, is checked and measured there."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeprune import __version__
from edgeprune.atomic import write_text_atomic
from edgeprune.deploy.agent import Listener
from edgeprune.deploy.bundle.write import WrittenBundle, ensure_bundle
from edgeprune.deploy.deployment import JSON_NAME, Deployment
from edgeprune.deploy.local_board import LocalBoard
from edgeprune.deploy.on_board import AnyBoard, Notes, OnBoard, send_agent
from edgeprune.deploy.racing import RACE_NAME, conditions_of, settle
from edgeprune.deploy.request import DeployRequest
from edgeprune.deploy.ssh import connect
from edgeprune.deploy.target import bundle_name, named_target, require_target, target_of
from edgeprune.device.bundle.errors import BundleError
from edgeprune.device.bundle.manifest import MANIFEST, Manifest, manifest_from
from edgeprune.errors import UserInputError
from edgeprune.export.sources import model_file
from edgeprune.export.sparse.choice import OFF


def deploy(
    run: str | os.PathLike[str],
    request: DeployRequest | None = None,
    listener: Listener | None = None,
) -> Deployment:
    """Bring a run to a board; build, verify and measure it there; keep the result beside the run.

    What is on the board already is not sent, and what is built already is not built again.

    Args:
        run: a finished run's folder, or a checkpoint.
        request: how; None for the Jetson that this is.
        listener: hears of the steps.

    Returns:
        What `RUN/deploy/HOST/PRECISION/deploy.json` holds.

    Raises:
        UserInputError: no such run or target, or a setting out of range.
        BoardError: no connection, or one that is lost; `exit_code` 5.
        AgentError: the board cannot run it, or computes something else.
    """
    request, listener = request or DeployRequest(), listener or Listener()
    source, started = _source(run), time.monotonic()
    require_target(request.target)
    heard = Notes(listener)
    heard.step(f"connecting to {request.host}" if request.host else "deploying on this machine")
    with board_of(request) as board, _locked(board, request, heard):
        agent = send_agent(board, request, heard)
        clocks = ["--lock-clocks"] if request.lock_clocks else []
        found = agent.call(["probe", "--folder", board.path(request.folder), *clocks])
        target = target_of(request, found, heard)
        working = OnBoard(board, agent, request, heard)

        def written(back: Sequence[str] = ()) -> WrittenBundle:
            asked = replace(request, bundle=replace(request.bundle, back=tuple(back)))
            folder = deploy_folder(source) / bundle_name(target, asked) / "bundle"
            return ensure_bundle(source, folder, target, asked.bundle, heard.step, request.model)

        memory = result_folder(source, request) / RACE_NAME
        settled = settle(working, written(), written, memory, conditions_of(request, found))
        for note in settled.written.manifest.notes:
            heard.note(note)
        bench = working.measure(settled.prepared)
    manifest, done = settled.written.manifest, settled.prepared
    deployment = Deployment(
        run=source.name,
        host=board.label,
        target=target.name,
        system=target.system,
        precision=request.bundle.precision.name,
        probe=found,
        bundle=done.place,
        bundle_bytes=sum(done.files.values()),
        sent_bytes=done.sent_bytes,
        models=_models(manifest),
        build=done.build,
        verify=done.verify,
        bench=bench,
        notes=tuple(heard.notes),
        seconds=time.monotonic() - started,
        made_by=f"edgeprune {__version__}",
        race=settled.race,
    )
    write_text_atomic(result_folder(source, request) / JSON_NAME, deployment.to_json())
    return deployment


def bundle(
    run: str | os.PathLike[str],
    folder: Path,
    request: DeployRequest,
    jetpack: str | None = None,
    listener: Listener | None = None,
) -> Path:
    """Write a bundle that is carried to its board by other means.

    Args:
        run: a finished run's folder, or a checkpoint.
        folder: to write; one of an earlier bundle is replaced.
        request: its target names the board.
        jetpack: release there; None for the target's usual one.
        listener: hears of the steps.

    Raises:
        UserInputError: no such run or target, or a folder that holds something else.
    """
    source, heard = _source(run), listener or Listener()
    target = named_target(request.target, jetpack)
    _require_bundle_alone(folder)
    written = ensure_bundle(source, folder, target, request.bundle, heard.step, request.model)
    for note in written.manifest.notes:
        heard.note(note)
    return folder


def _require_bundle_alone(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier bundle, since all of it is replaced."""
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir():
        raise UserInputError(f"--bundle {folder}: is no folder; name a new one")
    there = {path.name for path in folder.iterdir()}
    manifest = folder / MANIFEST
    ours: set[str] = set()
    if manifest.is_file():
        with contextlib.suppress(BundleError, OSError, UnicodeDecodeError):
            text = manifest.read_text(encoding="utf-8")
            ours = {MANIFEST, *manifest_from(text, str(manifest)).files}
    if not there <= ours:
        other = min(there - ours)
        raise UserInputError(f"--bundle {folder}: holds other files ({other}); name a new folder")


def _source(run: str | os.PathLike[str]) -> Path:
    source = Path(run)
    if not model_file(source).is_file():
        raise UserInputError(f"{source}: no such run folder or checkpoint")
    return source


def deploy_folder(source: Path) -> Path:
    """Where bundles and results of a run, or of a checkpoint, are kept."""
    return source / "deploy" if source.is_dir() else source.with_suffix(".deploy")


def result_folder(source: Path, request: DeployRequest) -> Path:
    """Where the result of a deploy is kept: one of each precision on each board."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", request.host or "this-machine")
    kind = request.bundle.precision.name + ("" if request.bundle.sparse == OFF else "-sparse")
    return deploy_folder(source) / name / kind


def _models(manifest: Manifest) -> dict[str, dict[str, Any]]:
    return {
        model.name: {
            "parameters": model.parameters,
            "macs": model.macs,
            "bytes": manifest.files[model.onnx].bytes,
        }
        for model in manifest.models
    }


@contextlib.contextmanager
def board_of(request: DeployRequest) -> Iterator[AnyBoard]:
    """The board of a request, connected for as long as it lasts."""
    if request.host is None:
        yield LocalBoard()
        return
    with connect(request.host, request.ssh) as board:
        yield board


def _locked(
    board: AnyBoard, request: DeployRequest, listener: Listener
) -> contextlib.AbstractContextManager[None]:
    return board.lock(request.folder, wait_s=request.wait_s, tell=listener.step)
