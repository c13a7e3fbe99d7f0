"""A model under load for a while, every inference counted between two stamps."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from edgeprune.device.bench.load import Infer, as_fast_as_possible, at_a_rate


class Counted(NamedTuple):
    """What ran between two moments at which nothing was running.

    Attributes:
        start_s: monotonic seconds.
        end_s: monotonic seconds.
        requests: all of them, the first, which is not timed, included.
        latency_ms: of the others.
        late: requests that began after they were due.
    """

    start_s: float
    end_s: float
    requests: int
    latency_ms: np.ndarray
    late: int


def count_requests(infer: Infer, seconds: float, rate_hz: float | None) -> Counted:
    """Run requests, which are waited for, and count them.

    Between two requests of a rate the processor sleeps: looking at the clock would cost the energy
    that is to be measured.

    Args:
        infer: one request.
        seconds: least time.
        rate_hz: None for one after the other.
    """
    start_s = time.monotonic()
    if rate_hz is None:
        turn = as_fast_as_possible(infer, seconds)
    else:
        turn = at_a_rate(infer, seconds, rate_hz, spin_s=0.0)
        # The pause after a request belongs to it as much as the one before.
        time.sleep(max(0.0, start_s + (len(turn.latency_ms) + 1) / rate_hz - time.monotonic()))
    return Counted(start_s, time.monotonic(), len(turn.latency_ms) + 1, turn.latency_ms, turn.late)
