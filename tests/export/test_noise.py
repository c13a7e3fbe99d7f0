"""Decibels, and what has none."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.export.noise import Noise, finite_db, noise_db

SIGNAL = np.array([10.0, -10.0], dtype=np.float32)


def test_parts_count_as_one_array() -> None:
    noise = Noise()
    for value in SIGNAL:
        noise.add(np.array([value]), np.array([value + 1]))
    assert noise.db == pytest.approx(20.0) == noise_db([SIGNAL], [SIGNAL + 1])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_as_bad_as_can_be(wrong: float) -> None:
    broken = np.array([10.0, wrong], dtype=np.float32)
    assert noise_db([SIGNAL], [broken]) == noise_db([broken], [SIGNAL]) == float("-inf")
    assert finite_db(float("-inf")) == -200.0


def test_equal_values_are_clean_and_a_lost_signal_is_not() -> None:
    assert finite_db(noise_db([SIGNAL], [SIGNAL])) == 200.0
    assert noise_db([SIGNAL], [0 * SIGNAL]) == pytest.approx(0.0)
    assert noise_db([0 * SIGNAL], [SIGNAL]) < -200.0
