"""`edgeprune deploy` to a board that fails: a clear line, the right code, and a second try."""

from __future__ import annotations

import threading
from pathlib import Path

from board_deploy import (
    at,
    board_folder,
    check_nothing_half_written,
    check_nothing_in_use,
    check_second_try,
    deploy,
    result,
    results,
)
from board_standin import BoardServer
from board_standin.faults import cutting, small_disk
from board_standin.rails import replace
from command_line import complaint, edgeprune

from edgeprune.deploy.ssh import SshOptions, connect

_COPY = "--no-benchmark"
_BRIEF = ("--repeats", "3", "--seconds", "0.02", "--warmup", "0.02")


def test_the_connection_is_cut_while_copying(server: BoardServer, run: Path) -> None:
    line = complaint(deploy(server, run, _COPY, "-o", cutting(450_000)), 5)
    assert "the connection was lost" in line
    assert "during copying" in line
    check_nothing_in_use(server, run)
    there = sum(path.stat().st_size for path in (board_folder(server) / "blobs").iterdir())
    assert there > 0
    check_second_try(server, run, _COPY)
    bundle = sum(path.stat().st_size for path in run.parent.glob("*.deploy/*/bundle/*"))
    assert result(run)["sent_bytes"] == bundle - there


def test_the_board_reboots_while_it_measures(server: BoardServer, run: Path) -> None:
    ended = deploy(server, run, "--seconds", "30", hear=at("repeat 1 of", server.stop))
    line = complaint(ended, 5)
    assert "the connection was lost" in line
    assert " bench " in line
    assert results(run) == []
    assert server.processes() == []
    server.start()
    check_second_try(server, run, *_BRIEF)


def test_clocks_that_cannot_be_locked_stop_it_before_anything_is_made(
    server: BoardServer, run: Path
) -> None:
    server.tree.set_sudo(allowed=False)
    ended = deploy(server, run, "--lock-clocks")
    assert "sudo asks for a password" in complaint(ended, 5)
    assert "export" not in ended.err
    assert not (board_folder(server) / "current").exists()


def test_the_host_key_is_another(server: BoardServer, run: Path) -> None:
    server.change_host_key()
    assert "ssh-keygen -f" in complaint(deploy(server, run, _COPY), 5)
    assert not board_folder(server).exists()
    server.trust()
    check_second_try(server, run, _COPY)


def test_the_disk_is_full(server: BoardServer, run: Path) -> None:
    with small_disk(server.tree, board_folder(server), 450_000):
        line = complaint(deploy(server, run, _COPY), 5)
        assert "the disk is full; what was begun is removed; free some space" in line
        check_nothing_in_use(server, run)
        check_nothing_half_written(server, run)
    check_second_try(server, run, _COPY)


def test_two_at_once(server: BoardServer, run: Path) -> None:
    options = SshOptions(config=server.config)
    with connect(server.host, options) as other, other.lock():
        line = complaint(deploy(server, run, _COPY), 5)
        assert "is in use by " in line
        assert " since 20" in line
        assert "--wait" in line
    with connect(server.host, options) as other:
        held = other.lock()
        held.__enter__()
        threading.Timer(0.5, held.__exit__, (None, None, None)).start()
        ended = deploy(server, run, _COPY, "--wait", "30")
        assert f"{server.host}: waiting for " in ended.err
        assert ended.code == 0
    check_nothing_half_written(server, run)


def test_a_release_that_nobody_knows_yet(server: BoardServer, run: Path) -> None:
    release = server.tree.kind.release.replace("R36", "R57").replace("4.3", "1.0-rc2")
    replace(server.tree.root / "etc/nv_tegra_release", release)
    where = ("--target", "jetson", "--host", server.host, "-F", server.config)
    ended = edgeprune("deploy", run, *where, "--runtime", "onnxruntime", "--no-dense", _COPY)
    assert ended.code == 0, ended.err
    assert "L4T 57.1.0 is newer than any that edgeprune knows" in ended.err
    assert result(run)["target"] == "jetson-orin"
    check_nothing_half_written(server, run)
