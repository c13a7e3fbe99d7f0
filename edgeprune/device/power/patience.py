"""Asking a sensor that may hang: a stuck bus blocks whoever reads it, for good."""

from __future__ import annotations

import threading
from typing import Callable, TypeVar

from edgeprune.device.power.sensor import SensorError

T = TypeVar("T")


def answer_of(name: str, ask: Callable[[], T], patience_s: float) -> T:
    """What `ask` returns; a sensor that hangs is left behind in its thread.

    Args:
        name: of the sensor, for the message.
        ask: opens or reads it.
        patience_s: how long that may take.

    Raises:
        SensorError: it took longer, or `ask` says so.
    """
    answers: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(ask())
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(patience_s)
    if failures:
        raise failures[0]
    if not answers:
        raise SensorError(f"{name} did not answer for {patience_s:g} s")
    return answers[0]
