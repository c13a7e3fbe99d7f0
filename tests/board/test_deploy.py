"""`edgeprune deploy` to a board that fails: a clear line, the right code, and a second try."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from board_standin import BoardServer
from board_standin.faults import cutting, small_disk
from board_standin.rails import replace
from command_line import Ended, complaint, edgeprune

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.deploy.ssh import SshOptions, connect
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.registry import build_model

_QUICK = ("--no-dense", "--repeats", "3", "--seconds", "0.02", "--warmup", "0.02", "--threads", "1")
_COPY = ("--no-benchmark", "--threads", "1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint; its bundle is made once, at the first deploy."""
    path = tmp_path_factory.mktemp("run") / "student.pt"
    torch.manual_seed(0)
    model = build_model("wrn_10_1", num_classes=10, in_channels=1).eval()
    checkpoint = checkpoint_of(
        model,
        arch="wrn_10_1",
        arch_args={"num_classes": 10, "in_channels": 1},
        preprocessing=Preprocessing((0.5,), (0.5,), (16, 16), 1),
    )
    save_checkpoint(path, checkpoint)
    return path


@pytest.fixture
def run(trained: Path) -> Iterator[Path]:
    """The checkpoint; whatever results are beside it are this test's."""
    yield trained
    for path in _results(trained):
        shutil.rmtree(path.parent)


def deploy(server: BoardServer, run: Path, *more: str) -> Ended:
    """Deploy and measure, for ONNX Runtime on the board's CPU."""
    where = ("--target", "cpu", "--host", server.host, "-F", server.config)
    return edgeprune("deploy", run, *where, *_QUICK, *more)


def check_second_try(server: BoardServer, run: Path, *more: str) -> None:
    """The same again, and all is well: on the board, and here."""
    ended = deploy(server, run, *more)
    assert ended.code == 0, ended.err
    (result,) = _results(run)
    assert json.loads(result.read_text())["verify"]["student"]["max_abs_error"] == 0
    check_nothing_half_written(server, run)


def check_nothing_in_use(server: BoardServer, run: Path) -> None:
    """What a copy that did not come to its end leaves: blobs and parts, for the next try."""
    assert server.await_end(patience_s=8)
    assert not (board_folder(server) / "current").exists()
    assert list(run.parent.rglob("*.tmp")) == []
    assert _results(run) == []


def check_nothing_half_written(server: BoardServer, run: Path) -> None:
    """No piece of a file here or there, and nothing that still runs."""
    assert server.await_end(patience_s=8)
    folder = board_folder(server)
    assert [p for p in folder.rglob("*") if p.suffix in (".part", ".new", ".tmp")] == []
    assert list(run.parent.rglob("*.tmp")) == []


def board_folder(server: BoardServer) -> Path:
    return server.tree.home / ".cache/edgeprune"


def _results(run: Path) -> list[Path]:
    return list(run.with_suffix(".deploy").rglob("deploy.json"))


def test_the_connection_is_cut_while_copying(server: BoardServer, run: Path) -> None:
    ended = deploy(server, run, *_COPY, "-o", cutting(450_000))
    line = complaint(ended, 5)
    assert "the connection was lost" in line
    assert "during copying" in line
    check_nothing_in_use(server, run)
    there = sum(path.stat().st_size for path in (board_folder(server) / "blobs").iterdir())
    assert there > 0
    check_second_try(server, run, *_COPY)
    (result,) = _results(run)
    bundle = sum(path.stat().st_size for path in run.parent.glob("*.deploy/*/bundle/*"))
    assert json.loads(result.read_text())["sent_bytes"] == bundle - there


def test_the_board_reboots_while_it_measures(server: BoardServer, run: Path) -> None:
    threading.Thread(target=_stop_once, args=(server, ["bench"])).start()
    line = complaint(deploy(server, run, "--seconds", "30"), 5)
    assert "the connection was lost" in line
    assert " bench " in line
    assert _results(run) == []
    assert server.processes() == []
    server.start()
    check_second_try(server, run)


def test_the_host_key_is_another(server: BoardServer, run: Path) -> None:
    server.change_host_key()
    assert "ssh-keygen -f" in complaint(deploy(server, run, *_COPY), 5)
    assert not board_folder(server).exists()
    server.trust()
    check_second_try(server, run, *_COPY)


def test_the_disk_is_full(server: BoardServer, run: Path) -> None:
    with small_disk(server.tree, board_folder(server), 450_000):
        line = complaint(deploy(server, run, *_COPY), 5)
        assert "the disk is full; what was begun is removed; free some space" in line
        assert not (board_folder(server) / "current").exists()
        check_nothing_half_written(server, run)
    check_second_try(server, run, *_COPY)


def test_two_at_once(server: BoardServer, run: Path) -> None:
    options = SshOptions(config=server.config)
    with connect(server.host, options) as other, other.lock():
        line = complaint(deploy(server, run, *_COPY), 5)
        assert "is in use by " in line
        assert " since 20" in line
        assert "--wait" in line
    with connect(server.host, options) as other:
        held = other.lock()
        held.__enter__()
        threading.Timer(0.5, held.__exit__, (None, None, None)).start()
        ended = deploy(server, run, *_COPY, "--wait", "30")
        assert f"{server.host}: waiting for " in ended.err
        assert ended.code == 0
    check_nothing_half_written(server, run)


def test_a_release_that_nobody_knows_yet(server: BoardServer, run: Path) -> None:
    release = server.tree.kind.release.replace("R36", "R57").replace("4.3", "1.0-rc2")
    replace(server.tree.root / "etc/nv_tegra_release", release)
    ended = edgeprune(
        "deploy", run, "--target", "jetson", "--runtime", "onnxruntime", "--host", server.host,
        "-F", server.config, "--no-dense", *_COPY,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "L4T 57.1.0 is newer than any that edgeprune knows" in ended.err
    (result,) = _results(run)
    assert json.loads(result.read_text())["target"] == "jetson-orin"
    check_nothing_half_written(server, run)


def _stop_once(server: BoardServer, words: list[str]) -> None:
    """What a power cut does, as soon as a program with these words runs."""
    while not server.processes(words):
        time.sleep(0.02)
    time.sleep(0.5)
    server.stop()
