"""Ends the agent as an exception does, so that clocks and sensors are put back."""

from __future__ import annotations

import signal
from types import FrameType


class EndedError(BaseException):
    """The agent is to end: no failure, so nothing that handles failures may take it."""


_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def end_on_signals() -> None:
    """For SIGTERM, which a host that lost its connection leaves behind, SIGHUP and Ctrl-C."""
    for number in _ENDING:
        signal.signal(number, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    # The first ends it; none that follows may end what puts things back.
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise EndedError
