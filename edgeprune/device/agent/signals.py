"""Ends the agent as an exception does, so that clocks and sensors are put back."""

from __future__ import annotations

import signal
from types import FrameType


class EndedError(Exception):
    """The agent is to end."""


def end_on_signals() -> None:
    """For SIGTERM, which a host that lost its connection leaves behind, and SIGHUP."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise EndedError
