"""Connections that fail, each with its line, and what one that stands can run."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from board_standin import BoardServer
from board_standin.faults import cutting

from edgeprune.deploy.ssh import SshOptions, connect, master
from edgeprune.deploy.ssh.errors import (
    BoardCommandError,
    BoardTimeoutError,
    ConnectionLostError,
    HostKeyError,
    MissingProgramError,
    NotAdmittedError,
    UnreachableError,
)
from edgeprune.errors import EdgepruneError, UserInputError

# Lives until it is stopped, and says so; what it starts would outlive it if only it were told.
_WAITING = 'trap "echo ended; exit 3" TERM; echo begun; sleep 71 & wait'


def options(server: BoardServer, *more: str) -> SshOptions:
    return SshOptions(config=server.config, options=more, connect_timeout_s=1)


def failure_of(server: BoardServer, kind: type[EdgepruneError], *more: str) -> str:
    """The one line of a connection that does not come about."""
    with pytest.raises(kind) as failure, connect(server.host, options(server, *more)):
        pass
    assert str(failure.value).startswith(f"{server.host}: ")
    assert "\n" not in str(failure.value)
    return str(failure.value)


def test_an_unknown_host_key(server: BoardServer) -> None:
    server.known_hosts.write_text("")
    line = failure_of(server, HostKeyError)
    assert f"ssh -F {server.config} -p {server.port} 127.0.0.1" in line
    server.trust()
    with connect(server.host, options(server)):
        pass


def test_a_changed_host_key_and_its_remedy(server: BoardServer) -> None:
    server.change_host_key()
    line = failure_of(server, HostKeyError)
    remedy = line.partition("run: ")[2].partition(" and then")[0]
    subprocess.run(remedy, shell=True, check=True, capture_output=True)
    assert server.known_hosts.read_text() == ""


def test_a_port_that_nobody_listens_at(server: BoardServer) -> None:
    server.stop()
    assert "nothing listens" in failure_of(server, UnreachableError)


def test_a_key_that_is_not_accepted(server: BoardServer) -> None:
    shutil.copy(server.make_key("stranger"), server.folder / "user_key")
    server.make_key("other")
    (server.folder / "user_key.pub").write_text((server.folder / "other.pub").read_text())
    line = failure_of(server, NotAdmittedError)
    assert "ssh-copy-id" in line
    assert "publickey" in line


def test_options_that_ssh_does_not_know(server: BoardServer) -> None:
    assert "unheardof" in failure_of(server, UserInputError, "UnheardOf=1")


def test_missing_files_and_odd_options_are_named() -> None:
    for wrong, told in ((SshOptions(identity=Path("no/key")), "-i no/key"),
                        (SshOptions(options=("Compression",)), "-o Compression")):  # fmt: skip
        with pytest.raises(UserInputError, match=told), connect("board", wrong):
            pass


def test_a_board_that_accepts_and_says_nothing(server: BoardServer) -> None:
    slow = options(server, cutting(10, "stall"))
    with pytest.raises(UnreachableError, match="in time"), connect(server.host, slow):
        pass


def test_nothing_is_left_in_the_temporary_folder(
    server: BoardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(master, "_short_folder", lambda: folder)
        stale = Path(folder, "edgeprune-ssh-of-the-past")
        stale.mkdir()
        os.utime(stale, (0, 0))
        with connect(server.host, options(server)) as board:
            (private,) = Path(folder).iterdir()
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
            assert board.home == str(server.tree.home)
            assert board.machine == os.uname().machine
        assert list(Path(folder).iterdir()) == []
    assert server.await_end()


def test_a_jump_host(server: BoardServer) -> None:
    server.config.write_text(
        f"{server.config.read_text()}Host jump\nHostName 127.0.0.1\nPort {server.port}\n"
        f"HostKeyAlias [127.0.0.1]:{server.port}\nUser {getpass.getuser()}\n"
    )
    with connect(server.host, options(server, "ProxyJump=jump")) as board:
        assert board.run(["echo", "there"]).stdout == "there\n"
    server.known_hosts.write_text("")
    assert "not known here" in failure_of(server, HostKeyError, "ProxyJump=jump")


def test_a_key_that_only_the_agent_holds(
    server: BoardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = server.config.read_text()
    kept = [line for line in config.splitlines() if not line.startswith("Identit")]
    server.config.write_text("\n".join(kept))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(server.folder / "agent"))
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(server.folder / "agent")],
                             stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        while not (server.folder / "agent").exists():
            assert agent.poll() is None
        assert "ssh-add" in failure_of(server, NotAdmittedError)
        subprocess.run(["ssh-add", "-q", str(server.folder / "user_key")], check=True)
        with connect(server.host, options(server)) as board:
            assert board.run(["echo", "there"]).stdout == "there\n"
    finally:
        agent.kill()
        agent.wait()


def test_a_configuration_that_would_come_between(server: BoardServer) -> None:
    server.config.write_text(
        f"{server.config.read_text()}RemoteCommand echo intruder\nRequestTTY force\n"
        f"ControlMaster auto\nControlPath {server.folder}/own\nControlPersist 60\n"
        f"LocalForward {server.port} 127.0.0.1:1\nExitOnForwardFailure yes\nLogLevel QUIET\n"
        "SendEnv *\nForwardX11 yes\nBatchMode no\nHost board\nHostName 127.0.0.1\n"
        f"Port {server.port}\nHostKeyAlias [127.0.0.1]:{server.port}\n"
    )
    with connect("board", options(server)) as board:
        assert board.run(["printf", "%s\\n", "plain"]).stdout == "plain\n"
        assert board.label == "board"
    assert not (server.folder / "own").exists()
    assert server.await_end()


def test_programs_get_their_words_and_give_their_codes(server: BoardServer) -> None:
    (server.tree.home / ".bashrc").write_text("echo 'welcome, traveller'\n")
    with connect(server.host, options(server)) as board:
        words = ["a b", "c'd", '"$HOME"', "*", "", "e\nf"]
        said = board.run(["printf", "%s|", *words]).stdout
        assert said.rstrip("\n") == "|".join(words) + "|"
        assert board.run(["sh", "-c", "echo no >&2; exit 255"]).code == 254
        assert board.run(["sh", "-c", "kill -s KILL $$"]).code == 128 + signal.SIGKILL
        with pytest.raises(BoardCommandError, match="code 3: it is broken") as failure:
            board.run(["sh", "-c", "echo it is broken >&2; exit 3"], check=True)
        assert failure.value.completed.code == 3
        with pytest.raises(MissingProgramError, match="python9 is not on the board"):
            board.run(["python9", "-V"])
        assert board.which("python9", "nvpmodel") == str(server.tree.programs / "nvpmodel")


def test_lines_arrive_while_the_program_runs(server: BoardServer) -> None:
    flag = server.tree.home / "flag"
    script = 'echo 1; while [ ! -e flag ]; do sleep 0.02; done; echo 2; echo "words" >&2; exit 7'
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        flag.touch()  # without this line the second would never come

    with connect(server.host, options(server)) as board:
        ended = board.stream(["sh", "-c", script], on_line)
    assert seen == ["1", "2"]
    assert (ended.code, ended.stderr) == (7, "words\n")


def test_a_silent_program_is_stopped(server: BoardServer) -> None:
    with connect(server.host, options(server)) as board:
        with pytest.raises(BoardTimeoutError, match=r"wrote nothing for 0.2 s"):
            board.stream(["sh", "-c", _WAITING], print, idle_timeout_s=0.2)
        assert server.processes(["sleep", "71"]) == []
        with pytest.raises(BoardTimeoutError, match=r"did not end within 0.2 s"):
            board.run(["sleep", "71"], timeout_s=0.2)
        assert server.processes(["sleep", "71"]) == []


def test_a_program_that_is_stopped_before_it_begins(server: BoardServer) -> None:
    # A board that is busy takes its time from the program's process to the program's group.
    late = server.tree.programs / "setsid"
    late.write_text(f'#!/bin/sh\nsleep 1\nexec {shutil.which("setsid")} "$@"\n')
    late.chmod(0o755)
    with connect(server.host, options(server)) as board:
        with pytest.raises(BoardTimeoutError, match=r"did not end within 0.2 s"):
            board.run(["sleep", "71"], timeout_s=0.2)
        assert server.processes(["sleep", "71"]) == []


def test_a_program_ends_when_its_reader_gives_up(server: BoardServer) -> None:
    def give_up(line: str) -> None:
        assert line == "begun"
        raise KeyboardInterrupt

    with connect(server.host, options(server)) as board:
        with pytest.raises(KeyboardInterrupt):
            board.stream(["sh", "-c", _WAITING], give_up)
        assert server.processes(["sleep", "71"]) == []


def test_a_program_ends_when_this_process_is_killed(server: BoardServer) -> None:
    code = (
        "from pathlib import Path; from edgeprune.deploy.ssh import SshOptions, connect\n"
        f"with connect({server.host!r}, SshOptions(config=Path({str(server.config)!r}))) as b:\n"
        f"    b.stream(['sh', '-c', {_WAITING!r}], lambda line: print(line, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"begun\n"
        host.kill()
    assert server.await_end(patience_s=5)


def test_a_reboot_during_a_program(server: BoardServer) -> None:
    with connect(server.host, options(server)) as board:
        outage = threading.Timer(0.3, server.stop)
        outage.start()
        with pytest.raises(ConnectionLostError, match="closed from the board's side") as failure:
            board.stream(["sh", "-c", "echo begun; sleep 71"], print)
        assert "`sh -c 'echo begun; sleep 71'`" in str(failure.value)
        outage.join()
        server.start()
        with pytest.raises(ConnectionLostError):
            board.run(["true"])  # over no other connection than the one that holds the lock
    with connect(server.host, options(server)) as board:
        assert board.run(["echo", "back"]).stdout == "back\n"


def test_a_cable_that_is_pulled(server: BoardServer) -> None:
    stalled = options(server, cutting(10_000, "stall"), "ServerAliveInterval=1",
                      "ServerAliveCountMax=1")  # fmt: skip
    begun_s = time.monotonic()
    with (
        connect(server.host, stalled) as board,
        pytest.raises(ConnectionLostError, match="stopped answering"),
    ):
        board.run(["sh", "-c", "sleep 71", "x" * 20_000])
    assert time.monotonic() - begun_s < 20


def test_a_shell_that_is_killed_while_the_connection_stands(server: BoardServer) -> None:
    with connect(server.host, options(server)) as board:
        with pytest.raises(EdgepruneError, match="though the connection stands"):
            board.run(["sh", "-c", "kill -s KILL $(cut -d ' ' -f 4 /proc/$PPID/stat) $PPID"])
        assert board.run(["true"]).code == 0
