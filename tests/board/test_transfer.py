"""Files on their way to the board and back, and everything that comes between."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_standin import BoardServer
from board_standin.faults import cutting, small_disk, tell_free_disk

from edgeprune.deploy.ssh import FOLDER, Board, Progress, SshOptions, connect, lock
from edgeprune.deploy.ssh.errors import (
    BoardBusyError,
    BoardDiskFullError,
    BoardError,
    ConnectionLostError,
    LocalFileChangedError,
)

_SIZE = 600_000


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A large file, two small ones of the same content, and an empty one."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    contents = {
        "model/student net.onnx": random.Random(7).randbytes(_SIZE),
        "agent.pyz": b"agent",
        "copy/agent.pyz": b"agent",
        "empty": b"",
    }
    found = {}
    for index, (name, data) in enumerate(contents.items()):
        found[name] = folder / str(index)
        found[name].write_bytes(data)
    return found


@contextlib.contextmanager
def reached(server: BoardServer, *more: str) -> Iterator[Board]:
    with connect(server.host, SshOptions(config=server.config, options=more)) as board:
        yield board


def remote(server: BoardServer) -> Path:
    return server.tree.home / ".cache/edgeprune"


def check_bundle(server: BoardServer, files: dict[str, Path]) -> None:
    """`current` holds the files and nothing else, and nothing is half-written beside it."""
    current = remote(server) / "current"
    assert current.is_symlink()
    there = {
        str(path.relative_to(current)): path.read_bytes()
        for path in current.rglob("*")
        if path.is_file()
    }
    assert there == {name: path.read_bytes() for name, path in files.items()}
    assert list(remote(server).rglob("*.part")) == []
    assert list(remote(server).rglob("*.new")) == []


def blob(server: BoardServer, path: Path) -> Path:
    return remote(server) / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_another_folder_has_is_copied_on_the_board(
    server: BoardServer, files: dict[str, Path]
) -> None:
    with reached(server) as board:
        board.push({"agent.pyz": files["agent.pyz"]}, f"{FOLDER}/agent")
        sent = board.push(files, beside=f"{FOLDER}/agent")
        assert sent.sent_bytes == _SIZE
        assert set(sent.kept) == {"agent.pyz", "copy/agent.pyz"}
    check_bundle(server, files)


def test_a_damaged_file_of_another_folder_is_sent(
    server: BoardServer, files: dict[str, Path]
) -> None:
    with reached(server) as board:
        board.push({"agent.pyz": files["agent.pyz"]}, f"{FOLDER}/agent")
        held = remote(server) / "agent/blobs" / blob(server, files["agent.pyz"]).name
        held.chmod(0o644)
        held.write_bytes(b"other")
        assert board.push(files, beside=f"{FOLDER}/agent").sent_bytes == _SIZE + len(b"agent")
    check_bundle(server, files)


def test_what_is_there_is_not_sent_again(server: BoardServer, files: dict[str, Path]) -> None:
    steps: list[Progress] = []
    with reached(server) as board:
        first = board.push(files, tell=steps.append)
        assert first.path == str((remote(server) / "current").resolve())
        assert first.sent_bytes == _SIZE + len(b"agent")
        assert set(first.sent) == set(files)
        assert steps[-1].sent_bytes == steps[-1].total_bytes == first.sent_bytes
        check_bundle(server, files)
        second = board.push(files)
        assert (second.sent_bytes, second.sent, second.path) == (0, (), first.path)
        files["agent.pyz"].write_bytes(b"another agent")
        third = board.push(files)
        assert third.sent == ("agent.pyz",)
        assert third.sent_bytes == len(b"another agent")
    check_bundle(server, files)
    assert Path(first.path, "agent.pyz").read_bytes() == b"agent"


def test_old_bundles_and_their_blobs_go(server: BoardServer, files: dict[str, Path]) -> None:
    with reached(server) as board:
        for turn in range(5):
            files["empty"].write_text(f"turn {turn}")
            board.push(files)
    kept = sorted(path.name for path in (remote(server) / "blobs").iterdir())
    assert len(list((remote(server) / "bundles").iterdir())) == 3
    assert len(kept) == 2 + 3
    check_bundle(server, files)


def test_a_cut_copy_goes_on_where_it_stopped(server: BoardServer, files: dict[str, Path]) -> None:
    with reached(server, cutting(300_000)) as board, pytest.raises(ConnectionLostError):
        board.push(files)
    assert server.await_end()
    (part,) = remote(server).rglob("*.part")
    begun = part.stat().st_size
    assert 0 < begun < _SIZE
    assert not (remote(server) / "current").exists()
    with reached(server) as board:
        sent = board.push(files).sent_bytes
    assert sent <= _SIZE - begun + len(b"agent")
    check_bundle(server, files)


def test_a_damaged_part_is_sent_anew(server: BoardServer, files: dict[str, Path]) -> None:
    large = blob(server, files["model/student net.onnx"])
    large.parent.mkdir(parents=True)
    large.with_name(f"{large.name}.part").write_bytes(b"x" * (_SIZE // 2))
    with reached(server) as board:
        assert board.push(files).sent_bytes == _SIZE // 2 + _SIZE + len(b"agent")
    check_bundle(server, files)


def test_a_part_that_is_too_long_is_sent_anew(server: BoardServer, files: dict[str, Path]) -> None:
    large = blob(server, files["model/student net.onnx"])
    large.parent.mkdir(parents=True)
    large.with_name(f"{large.name}.part").write_bytes(b"x" * (_SIZE + 1))
    with reached(server) as board:
        assert board.push(files).sent_bytes == _SIZE + len(b"agent")
    check_bundle(server, files)


def test_a_damaged_blob_is_sent_anew(server: BoardServer, files: dict[str, Path]) -> None:
    with reached(server) as board:
        first = board.push(files)
        damaged = blob(server, files["model/student net.onnx"])
        damaged.chmod(0o644)
        with damaged.open("r+b") as stream:
            stream.write(b"damage")
        second = board.push(files)
    assert second.sent == ("model/student net.onnx",)
    assert second.path != first.path
    check_bundle(server, files)


def test_a_file_that_changes_while_it_is_sent(server: BoardServer, files: dict[str, Path]) -> None:
    large = files["model/student net.onnx"]

    def rewrite(progress: Progress) -> None:
        if progress.name == "model/student net.onnx":
            large.write_bytes(b"y" * _SIZE)

    def shorten(progress: Progress) -> None:
        if progress.name == "model/student net.onnx":
            large.write_bytes(b"z" * 10)

    with reached(server) as board:
        for change in (rewrite, shorten):
            with pytest.raises(LocalFileChangedError, match=str(large)):
                board.push(files, tell=change)
            assert not (remote(server) / "current").exists()
        board.push(files)
    check_bundle(server, files)


def test_too_little_free_disk_is_said_before(server: BoardServer, files: dict[str, Path]) -> None:
    tell_free_disk(server.tree, 1_200_000)
    with reached(server) as board:
        with pytest.raises(BoardDiskFullError, match=r"0\.6 MB have to be copied and 1\.2 MB"):
            board.push(files)
        assert list((remote(server) / "blobs").iterdir()) == []


def test_a_disk_that_fills_meanwhile(server: BoardServer, files: dict[str, Path]) -> None:
    with reached(server) as board:
        with small_disk(server.tree, remote(server), 200_000):
            with pytest.raises(BoardDiskFullError, match="the disk is full"):
                board.push(files)
            assert list(remote(server).rglob("*.part")) == []
            assert not (remote(server) / "current").exists()
        board.push(files)
    check_bundle(server, files)


def test_a_folder_that_cannot_be_made(server: BoardServer, files: dict[str, Path]) -> None:
    (server.tree.home / "file").touch()
    with reached(server) as board:
        with pytest.raises(BoardError, match=r"file/folder cannot be written .*Not a directory"):
            board.push(files, "~/file/folder")
        with pytest.raises(BoardError, match=r"file/folder cannot be written"):
            board.lock("~/file/folder").__enter__()


def test_fetched_files_are_whole_or_the_old_ones(server: BoardServer, tmp_path: Path) -> None:
    data = os.urandom(100_000)
    (server.tree.home / "result").write_bytes(data)
    (server.tree.home / ".bashrc").write_text("echo welcome\n")
    local = tmp_path / "results/result"
    with reached(server) as board:
        board.fetch("result", local)
        assert local.read_bytes() == data
        with pytest.raises(BoardError, match="no such file"):
            board.fetch("absent", local)
        (server.tree.home / "locked").mkdir()
        with pytest.raises(BoardError, match="no such file"):
            board.fetch("locked", local)
        cat = server.tree.programs / "cat"
        cat.write_text("#!/bin/sh\necho 'what it became after it was summed'\n")
        cat.chmod(0o755)
        with pytest.raises(BoardError, match="changed while it was fetched"):
            board.fetch("result", local)
    assert local.read_bytes() == data
    assert list(local.parent.iterdir()) == [local]
    assert stat.S_IMODE(local.stat().st_mode) & stat.S_IRUSR


def test_a_connection_that_is_lost_while_fetching(server: BoardServer, tmp_path: Path) -> None:
    cat = server.tree.programs / "cat"
    local = tmp_path / "result"
    local.write_text("old")
    (server.tree.home / "result").write_bytes(os.urandom(100_000))
    with reached(server) as board:
        cat.write_text('#!/bin/sh\nhead -c 50000 "$@"; touch stalled; sleep 71\n')
        cat.chmod(0o755)
        outage = threading.Thread(target=_stop_at, args=(server, server.tree.home / "stalled"))
        outage.start()
        with pytest.raises(ConnectionLostError):
            board.fetch("result", local)
        outage.join()
    assert local.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def _stop_at(server: BoardServer, flag: Path) -> None:
    while not flag.exists():
        time.sleep(0.01)
    server.stop()


def test_two_at_once(server: BoardServer) -> None:
    said: list[str] = []
    with reached(server) as one, reached(server) as two:
        with one.lock():
            with pytest.raises(BoardBusyError, match=rf"process {os.getpid()}\) since 20") as busy:
                two.lock().__enter__()
            assert busy.value.exit_code == 5
            with two.lock("~/elsewhere"):
                pass
        with two.lock():
            pass
        with _released_later(one), two.lock(wait_s=20, tell=said.append):
            pass
    assert len(said) == 1
    assert "waiting for " in said[0]


@contextlib.contextmanager
def _released_later(board: Board) -> Iterator[None]:
    held = board.lock()
    held.__enter__()
    timer = threading.Timer(0.3, held.__exit__, (None, None, None))
    timer.start()
    yield
    timer.join()


def test_a_lock_ends_with_its_holder(server: BoardServer) -> None:
    code = (
        "from pathlib import Path; from edgeprune.deploy.ssh import SshOptions, connect\n"
        f"with connect({server.host!r}, SshOptions(config=Path({str(server.config)!r}))) as b:\n"
        "    with b.lock():\n        print('held', flush=True); input()\n"
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder,
        reached(server) as board,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BoardBusyError):
            board.lock().__enter__()
        holder.kill()
        with board.lock(wait_s=20):
            pass


def test_a_lock_and_programs_end_when_their_host_says_nothing(
    server: BoardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_PATIENCE_S", 1)
    monkeypatch.setattr(lock, "_LEAVE_S", 1)
    with reached(server) as asleep, reached(server) as other:
        held = asleep.lock()
        held.__enter__()
        with pytest.raises(ConnectionLostError):
            asleep.run(["sleep", "71"])
        assert server.await_end(["sleep", "71"])
        with pytest.raises(BoardError, match="was lost meanwhile"):
            held.__exit__(None, None, None)
        monkeypatch.undo()
        with other.lock(wait_s=20):
            pass
