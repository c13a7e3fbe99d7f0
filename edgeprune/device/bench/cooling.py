"""Waiting until a device is about as cool as it was."""

from __future__ import annotations

import time
from typing import Callable, NamedTuple

_LOOK_EVERY_S = 1.0


class CoolDown(NamedTuple):
    """How cooling down went.

    Attributes:
        seconds: that it took.
        reached: whether the device is as cool as asked; None where nothing tells its temperature.
        now_c: the temperature.
    """

    seconds: float
    reached: bool | None
    now_c: float | None


def cool_down(
    temperature_c: Callable[[], float | None],
    start_c: float | None,
    within_c: float,
    most_s: float,
    sleep: Callable[[float], None] = time.sleep,
) -> CoolDown:
    """Wait until the temperature is no more than `within_c` above the start's.

    Args:
        temperature_c: of the device now; None where nothing tells it.
        start_c: to come back to; where it is not known there is nothing to wait for.
        within_c: degrees.
        most_s: when to stop in any case.
        sleep: waits for some seconds.
    """
    waited_s = 0.0
    while True:
        now_c = temperature_c()
        if now_c is None or start_c is None:
            return CoolDown(waited_s, None, now_c)
        if now_c <= start_c + within_c:
            return CoolDown(waited_s, True, now_c)
        if waited_s >= most_s:
            return CoolDown(waited_s, False, now_c)
        pause_s = min(_LOOK_EVERY_S, most_s - waited_s)
        sleep(pause_s)
        waited_s += pause_s
