"""Clocks are put back, whatever comes between: a failure, the end of the agent, impatience."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from board_standin import BoardTree, board_tree

from edgeprune.device.bench.clocks import locked_clocks, require_clocks
from edgeprune.device.errors import DeviceError, DeviceUnsupportedError

_HELD = """
import signal, sys, time
from edgeprune.device.agent.signals import end_on_signals
from edgeprune.device.bench.clocks import locked_clocks
end_on_signals()
with locked_clocks(lambda line: print(line, flush=True)):
    time.sleep(60)
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BoardTree:
    """A board's programs on PATH."""
    tree = board_tree(tmp_path / "board")
    monkeypatch.setenv("PATH", str(tree.programs), prepend=":")
    return tree


def _slow(tree: BoardTree, option: str, seconds: float) -> None:
    """Let jetson_clocks take its time with an option, or with none."""
    program = tree.programs / "jetson_clocks"
    program.rename(tree.programs / "at-once")
    pause = f'[ "$1" = "{option}" ] && sleep {seconds}'
    program.write_text(f'#!/bin/sh\n{pause}\nexec "$(dirname "$0")/at-once" "$@"\n')
    program.chmod(0o755)


def _lowest(tree: BoardTree) -> int:
    return int((tree.gpu_clock / "min_freq").read_text())


def test_fixed_for_as_long_as_it_lasts(tree: BoardTree) -> None:
    lowest, highest = tree.kind.gpu_hz

    def fail() -> None:
        with locked_clocks(print):
            assert _lowest(tree) == highest
            raise ValueError("of the caller")

    with pytest.raises(ValueError, match="of the caller"):
        fail()
    assert _lowest(tree) == lowest
    tree.set_sudo(allowed=False)
    with pytest.raises(DeviceUnsupportedError, match="asks for a password"), locked_clocks(print):
        pass


def test_a_refusal_comes_before_anything_is_built_and_changes_no_clock(tree: BoardTree) -> None:
    require_clocks()
    assert _lowest(tree) == tree.kind.gpu_hz[0]
    tree.set_sudo(allowed=False)
    with pytest.raises(DeviceUnsupportedError, match="asks for a password"):
        require_clocks()
    (tree.programs / "jetson_clocks").unlink()
    with pytest.raises(DeviceUnsupportedError, match="no jetson_clocks"):
        require_clocks()


def test_what_fails_on_the_way_is_put_back_too(tree: BoardTree) -> None:
    program = tree.programs / "jetson_clocks"
    text = program.read_text().replace('"") lock ;;', '"") lock; echo "no fan"; exit 1 ;;')
    program.write_text(text)
    with pytest.raises(DeviceError, match="jetson_clocks: no fan"), locked_clocks(print):
        pass
    assert _lowest(tree) == tree.kind.gpu_hz[0]


def test_a_second_signal_does_not_stop_what_puts_them_back(tree: BoardTree) -> None:
    _slow(tree, "--restore", 1)
    with subprocess.Popen(
        [sys.executable, "-c", _HELD], stdout=subprocess.PIPE, encoding="utf-8", env=os.environ,
        stderr=subprocess.DEVNULL, start_new_session=True,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert "clocks fixed" in program.stdout.readline()
        assert _lowest(tree) == tree.kind.gpu_hz[1]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            os.killpg(program.pid, number)
            time.sleep(0.2)
        assert "as they were" in program.stdout.read()
    assert _lowest(tree) == tree.kind.gpu_hz[0]
