"""What a transfer tells while it goes on, and at its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A moment of a transfer.

    Attributes:
        sent_bytes: that left this machine.
        total_bytes: that have to, without what the board has already.
        name: of the file that is being sent.
    """

    sent_bytes: int
    total_bytes: int
    name: str


@dataclass(frozen=True)
class Transfer:
    """A bundle that is on the board.

    Attributes:
        path: of the bundle there; its files never change.
        sent_bytes: that left this machine.
        sent: names of the files that were sent, whole or in part.
        kept: names of those that were there already, and right.
    """

    path: str
    sent_bytes: int
    sent: tuple[str, ...]
    kept: tuple[str, ...]


def say_nothing(_: object) -> None:
    """For callers that want no progress."""
