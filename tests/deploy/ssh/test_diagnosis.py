"""What is made of ssh's words that need a network to hear; tests/board hears the others."""

from __future__ import annotations

import pytest

from edgeprune.deploy.ssh.destination import Destination
from edgeprune.deploy.ssh.diagnosis import Attempt, diagnose
from edgeprune.deploy.ssh.errors import BoardError, NotAdmittedError, UnreachableError
from edgeprune.deploy.ssh.options import SshOptions
from edgeprune.errors import EdgepruneError

_BOARD = Destination("board", "me", 2222)


@pytest.mark.parametrize(
    ("words", "kind", "told"),
    [
        ("ssh: connect to host b port 22: Connection timed out", UnreachableError, "in time"),
        ("ssh: connect to host b port 22: No route to host", UnreachableError, "No route to host"),
        (
            "ssh: Could not resolve hostname b: Name or service not known",
            UnreachableError,
            "--host",
        ),
        ("kex_exchange_identification: read: Connection reset", UnreachableError, "starting"),
        (
            "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n"
            "Connection closed by UNKNOWN port 65535",
            UnreachableError,
            "nothing listens",
        ),
        (
            "Received disconnect from b port 22:2: Too many authentication failures\n"
            "Permission denied (publickey).",
            NotAdmittedError,
            "IdentitiesOnly=yes",
        ),
        ("This account is currently not available.", BoardError, "currently not available"),
        ("", BoardError, "by hand: ssh -p 2222 me@board"),
    ],
)
def test_meaning(words: str, kind: type[EdgepruneError], told: str) -> None:
    failure = diagnose(Attempt(_BOARD, SshOptions(), words))
    assert type(failure) is kind
    assert failure.exit_code == 5
    assert told in str(failure)
    assert str(failure).startswith("me@board:2222: ")
