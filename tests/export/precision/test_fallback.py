"""How many layers go back to floating point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.export.noise import noise_db
from edgeprune.export.precision.fallback import SiteCost, fall_back


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=40), st.floats(0.0, 5.0))
def test_as_few_as_it_takes(parts: list[float], allowed: float) -> None:
    parts = sorted(parts, reverse=True)
    costs = [SiteCost(str(n), f"layer {n}", float(n)) for n in range(len(parts))]
    tries = 0

    def drop_of(on: Sequence[str]) -> float:
        nonlocal tries
        tries += 1
        return sum(parts[int(node)] for node in on)

    kept = fall_back(costs, drop_of, allowed)
    assert kept.holds
    assert kept.drop == drop_of(kept.on)
    assert [*(cost.node for cost in kept.off), *kept.on] == [cost.node for cost in costs]
    if kept.off:
        assert drop_of([kept.off[-1].node, *kept.on]) > allowed
    assert tries <= 3 + 2 * np.log2(len(parts) + 1) + 2


def test_a_drop_that_no_layer_causes_is_told() -> None:
    kept = fall_back([SiteCost("a", "a", 1.0)], lambda _: 1.0, 0.5)
    assert not kept.holds
    assert kept.on == ()


def test_noise_in_decibels() -> None:
    signal = np.full(100, 10.0, dtype=np.float32)
    assert noise_db([signal], [signal]) == float("inf")
    assert noise_db([signal], [signal + 1.0]) == pytest.approx(20.0)
