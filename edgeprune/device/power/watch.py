"""A window that is looked at while it runs."""

from __future__ import annotations

import time
from typing import Callable, Sequence

from edgeprune.device.power.measure import Window
from edgeprune.device.power.recorder import Row

LOOK_EVERY_S = 0.25


def watch(
    window: Window,
    see: Callable[[Sequence[Row]], None],
    duration_s: float | None = None,
    every_s: float = LOOK_EVERY_S,
) -> bool:
    """Hand readings over as they come.

    Args:
        window: entered.
        see: gets the readings that are new since it was called last.
        duration_s: when to end; None for never.
        every_s: how often to look.

    Returns:
        Whether it ran to its end; False when Ctrl-C ended it, or the sensor stopped answering.
    """
    end_s = float("inf") if duration_s is None else window.start_s + duration_s
    seen, reached = 0, False
    while not (reached or window.error):
        try:
            left_s = end_s - time.monotonic()
            time.sleep(max(0.0, min(every_s, left_s)))
            reached = left_s <= every_s
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        rows = window.rows(seen)
        seen += len(rows)
        see(rows)
        if interrupted:
            return False
    return reached
