"""Deploying to the stand-in of a board, and what has to hold afterwards, come what may."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from board_standin import BoardServer
from command_line import Ended, edgeprune


def deploy(
    server: BoardServer, run: Path, *more: str, hear: Callable[[str], None] | None = None
) -> Ended:
    """Deploy for ONNX Runtime on the board's CPU; `hear` gets each step as it is told."""
    where = ("--target", "cpu", "--host", server.host, "-F", server.config)
    return edgeprune("deploy", run, *where, "--no-dense", "--threads", "1", *more, hear=hear)


def at(words: str, act: Callable[[], None]) -> Callable[[str], None]:
    """Does something once, at the first step with these words."""
    done: list[str] = []

    def hear(step: str) -> None:
        if words in step and not done:
            done.append(step)
            act()

    return hear


def results(run: Path) -> list[Path]:
    """What deploys of this run were kept."""
    return list(run.with_suffix(".deploy").rglob("deploy.json"))


def result(run: Path) -> dict[str, Any]:
    """The only one."""
    (path,) = results(run)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def board_folder(server: BoardServer) -> Path:
    """Where edgeprune's files lie on the board."""
    return server.tree.home / ".cache/edgeprune"


def check_nothing_in_use(server: BoardServer, run: Path) -> None:
    """What a copy that did not come to its end leaves: blobs and parts, for the next try."""
    assert server.await_end()
    assert not (board_folder(server) / "current").exists()
    assert list(run.parent.rglob("*.tmp")) == []
    assert results(run) == []


def check_nothing_half_written(server: BoardServer, run: Path) -> None:
    """No piece of a file here or there, and nothing that still runs."""
    assert server.await_end()
    folder = board_folder(server)
    assert [p for p in folder.rglob("*") if p.suffix in (".part", ".new", ".tmp")] == []
    assert list(run.parent.rglob("*.tmp")) == []


def check_second_try(server: BoardServer, run: Path, *more: str) -> None:
    """The same again, and all is well: on the board, and here."""
    ended = deploy(server, run, *more)
    assert ended.code == 0, ended.err
    assert result(run)["verify"]["student"]["max_abs_error"] == 0
    check_nothing_half_written(server, run)
