from __future__ import annotations

import pytest

from edgeprune.report import numerals
from edgeprune.statistics import DifferenceInterval


@pytest.mark.parametrize(
    ("value", "text"),
    [(999, "999"), (703_284, "703 k"), (2_255_156, "2.26 M"), (101.1e6, "101 M"),
     (44.9e6, "44.9 M"), (3.2e9, "3.20 G"), (None, "–")],
)  # fmt: skip
def test_compact(value: float | None, text: str) -> None:
    assert numerals.compact(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.123456, "0.123"), (3.14159, "3.14"), (16.24, "16.2"), (231.7, "232")]
)
def test_milliseconds_keep_three_digits(value: float, text: str) -> None:
    assert numerals.milliseconds(value) == text


def test_signs() -> None:
    assert numerals.signed(0.8) == "+0.80"
    assert numerals.signed(-0.8) == "−0.80"
    assert numerals.signed(-0.001) == "0.00"


def test_interval_share_count_duration() -> None:
    assert numerals.interval(DifferenceInterval(-0.8, -1.5, 0.1, 9, 1)) == "−0.80 [−1.50, +0.10]"
    assert numerals.share(0.6) == "60.0 %"
    assert numerals.count(703_284) == "703,284"
    assert [numerals.duration(seconds) for seconds in (45, 720, 8280)] == [
        "45 s",
        "12 min",
        "2.3 h",
    ]


@pytest.mark.parametrize(
    "write",
    [numerals.count, numerals.share, numerals.milliseconds, numerals.interval, numerals.duration],
)
def test_what_was_not_measured_is_a_dash(write: object) -> None:
    assert write(None) == "–"  # type: ignore[operator]
