"""A board behind a real sshd, for every test that deploys to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from board_standin import BoardServer, board_tree, missing
from needs import lacking


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BoardServer]:
    """A board that can be reached at `server.host` with `-F server.config`: an Orin Nano, or the
    one that the test's parameter names.
    """
    if reason := missing():
        lacking(reason)
    board = BoardServer(
        tmp_path / "sshd", board_tree(tmp_path / "board", getattr(request, "param", "orin-nano"))
    )
    board.start()
    try:
        yield board
    finally:
        board.stop()
