"""A live power sampler for people's own programs."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from edgeprune.device.agent.events import Events
from edgeprune.device.power import measure

_LOOK_S = 0.05


def serve_power(
    sensor: str, interval_ms: float, duration_s: float | None, events: Events
) -> dict[str, Any]:
    """Tell every reading as an event until stdin is closed, a signal comes or the time is over.

    Args:
        sensor: `auto` or a sensor's name.
        interval_ms: how often it is read.
        duration_s: None for no limit.

    Returns:
        The whole window's means, total and energy.

    Raises:
        DeviceUnsupportedError: no sensor answers, or it stopped; the line says why.
    """
    over = threading.Event()
    if duration_s is None:
        threading.Thread(target=_await_end_of_stdin, args=(over,), daemon=True).start()
    with measure(sensor, interval_ms) as window:
        end_s = None if duration_s is None else window.start_s + duration_s
        told = 0
        while not window.error and not over.is_set():
            for row in window.rows(told):
                told += 1
                events.sample(row.at_s, row.rails_mw, row.total_mw)
            if end_s is not None and time.monotonic() >= end_s:
                break
            over.wait(min(_LOOK_S, interval_ms / 1000))
    return window.result.as_dict()


def _await_end_of_stdin(over: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    over.set()
