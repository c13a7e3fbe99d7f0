"""Which target a deploy is for, once the board has told what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from edgeprune.deploy.agent import Listener
from edgeprune.deploy.plain import from_plain
from edgeprune.deploy.request import CPU, DeployRequest
from edgeprune.device.probe.match import match
from edgeprune.device.probe.probe import Probe
from edgeprune.device.targets import Target, UnknownTargetError, find_target, target_names
from edgeprune.errors import UnsupportedError, UserInputError

FAMILY = "jetson"


def deploy_targets() -> tuple[str, ...]:
    """What `--target` takes."""
    return (FAMILY, CPU, *(name for name in target_names() if name.startswith(FAMILY)))


def require_target(name: str) -> None:
    """Refuse a name before anything is connected.

    Raises:
        UserInputError: there is no such target.
    """
    if name not in deploy_targets():
        raise UserInputError(f"--target {name}: use {', '.join(deploy_targets())}")


def named_target(name: str, jetpack: str | None) -> Target:
    """The target of a board that is not there to be asked.

    Raises:
        UserInputError: the name leaves open which board it is, or there is none of it.
    """
    require_target(name)
    if name == FAMILY:
        raise UserInputError(
            "--target jetson: without a board to ask, name it: jetson-orin, jetson-xavier or "
            "jetson-thor"
        )
    try:
        return find_target(name, jetpack)
    except UnknownTargetError as failure:
        raise UserInputError(str(failure)) from failure


def target_of(request: DeployRequest, told: Mapping[str, Any], listener: Listener) -> Target:
    """The target to export for.

    Args:
        told: the agent's probe.
        listener: hears what is to be said about the board.

    Raises:
        UnsupportedError: the board is another than the one that was asked for.
        DeviceUnsupportedError: it is none that edgeprune deploys to.
    """
    if request.target == CPU:
        return find_target(CPU)
    board = from_plain(Probe, told)
    found = match(board)
    for note in found.notes:
        listener.note(note)
    if request.target not in (FAMILY, found.target.name):
        raise UnsupportedError(
            f"--target {request.target}: this board is a {found.target.name} "
            f"({board.board or board.chip}); use --target jetson"
        )
    listener.step(f"{board.board or found.target.name}: {found.target.label}, L4T {board.l4t}")
    return found.target


def bundle_name(target: Target, request: DeployRequest) -> str:
    """Of the folder that holds the bundle, such as `jetson-orin-6-fp16`."""
    asked = request.bundle
    parts = [target.name, target.system, asked.precision.name]
    if asked.sparse != "off":
        parts.append("sparse")
    if asked.back:  # what lost on one board need not have lost on another
        lost = ",".join(sorted(asked.back))
        parts.append(f"raced-{hashlib.sha256(lost.encode()).hexdigest()[:8]}")
    return "-".join(parts)
