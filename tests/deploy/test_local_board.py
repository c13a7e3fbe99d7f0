"""This machine in the place of a board: programs, the lock, and what a flood of words does."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from edgeprune.deploy.local_board import LocalBoard
from edgeprune.device.cache import CACHE_VARIABLE
from edgeprune.errors import UnsupportedError

BOARD = LocalBoard()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache, and with it a lock, of this test alone."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def test_lines_come_and_a_flood_on_stderr_blocks_nothing() -> None:
    script = "import sys; sys.stderr.write('e' * 500_000 + 'end'); print('one'); print('two')"
    lines: list[str] = []
    ended = BOARD.stream([sys.executable, "-c", script], lines.append)
    assert [line.strip() for line in lines] == ["one", "two"]
    assert ended.code == 0
    assert ended.stderr.endswith("end")
    assert len(ended.stderr) <= 4096


def test_codes_and_what_stops_a_program() -> None:
    assert BOARD.stream([sys.executable, "-c", "raise SystemExit(3)"], print).code == 3
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    seen: list[int] = []

    def stop(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BOARD.stream([sys.executable, "-c", script], stop)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)


def test_two_deploys_do_not_measure_at_once() -> None:
    with BOARD.lock():
        with pytest.raises(UnsupportedError, match="--wait SECONDS"), BOARD.lock():
            pass
        held = threading.Event()

        def wait() -> None:
            with BOARD.lock(wait_s=30):
                held.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not held.wait(0.3)
    assert held.wait(5)
    waiting.join()


def test_names() -> None:
    assert BOARD.which("no-such-program", "sh") is not None
    assert BOARD.which("no-such-program") is None
    assert BOARD.path("~/x") == str(Path.home() / "x")
