"""The stand-in itself: what a session on it sees, and that its faults are real."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

import pytest
from board_standin import KINDS, BoardServer, board_tree


def ssh(server: BoardServer, command: str) -> subprocess.CompletedProcess[str]:
    """One command over the system's ssh."""
    words = ["ssh", "-F", str(server.config), "-p", str(server.port), "127.0.0.1", command]
    return subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_a_session_sees_the_board_and_its_programs(server: BoardServer) -> None:
    script = "cat $EDGEPRUNE_ROOT/etc/nv_tegra_release; pwd; nvpmodel -q; command -v tegrastats"
    said = ssh(server, script).stdout.splitlines()
    assert said[0] == server.tree.kind.release
    assert said[1] == str(server.tree.home)
    assert said[2] == "NV Power Mode: 15W"
    assert said[-1] == str(server.tree.programs / "tegrastats")


def test_jetson_clocks_locks_and_restores(server: BoardServer) -> None:
    clock = server.tree.gpu_clock / "cur_freq"
    lowest, highest = server.tree.kind.gpu_hz
    ssh(server, "sudo -n jetson_clocks --store here && sudo -n jetson_clocks")
    assert int(clock.read_text()) == highest
    ssh(server, "sudo -n jetson_clocks --restore here")
    assert int(clock.read_text()) == lowest


def test_a_reboot_ends_everything_and_comes_back(server: BoardServer) -> None:
    command = ["ssh", "-F", str(server.config), "-p", str(server.port), "127.0.0.1", "sleep 60"]
    session = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not server.processes(["sleep", "60"]):
        assert session.poll() is None
    server.reboot(0.05)
    assert session.wait() == 255
    assert server.processes() == []
    assert ssh(server, "echo back").stdout == "back\n"


@pytest.mark.parametrize("board", KINDS)
def test_tegrastats_shows_the_powers_that_are_set(tmp_path: Path, board: str) -> None:
    tree = board_tree(tmp_path / "board", board)
    tree.set_power(**{tree.kind.rails[0].name: 7654})
    line = _first_line(tree.programs / "tegrastats")
    assert f"{tree.kind.rails[0].name} 7654{tree.kind.unit}/4321{tree.kind.unit}" in line


def test_a_refused_rail_fails_as_the_driver_does(tmp_path: Path) -> None:
    tree = board_tree(tmp_path / "board")
    tree.refuse_rails(["VDD_IN"])
    with pytest.raises(OSError, match="Input/output") as failure:
        tree.sources["VDD_IN"].read_text()
    assert failure.value.errno == errno.EIO


def _first_line(program: Path) -> str:
    with subprocess.Popen([program, "--interval", "10"], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        line = run.stdout.readline()
        run.kill()
    return line
