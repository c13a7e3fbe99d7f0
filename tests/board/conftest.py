"""A board behind a real sshd, for every test that deploys to one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from board_deploy import results
from board_standin import BoardServer, board_tree, missing
from needs import lacking

from edgeprune.data.preprocessing import Preprocessing
from edgeprune.models.checkpoint import checkpoint_of, save_checkpoint
from edgeprune.models.registry import build_model


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


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint; its bundle is made once, at the first deploy."""
    path = tmp_path_factory.mktemp("run") / "student.pt"
    torch.manual_seed(0)
    arguments = {"num_classes": 10, "in_channels": 1}
    checkpoint = checkpoint_of(
        build_model("wrn_10_1", num_classes=10, in_channels=1).eval(),
        arch="wrn_10_1",
        arch_args=arguments,
        preprocessing=Preprocessing((0.5,), (0.5,), (16, 16), 1),
    )
    save_checkpoint(path, checkpoint)
    return path


@pytest.fixture
def run(trained: Path) -> Iterator[Path]:
    """The checkpoint; whatever results are beside it are this test's."""
    yield trained
    for path in results(trained):
        shutil.rmtree(path.parent)
