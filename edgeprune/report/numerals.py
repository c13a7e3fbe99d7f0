"""How figures are written, the same everywhere; a figure that was not measured is a dash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprune.statistics import DifferenceInterval

if TYPE_CHECKING:
    from edgeprune.device.bench.spread import Ratio

ABSENT = "–"
_NOTHING_J = 5e-10


def count(value: float | None) -> str:
    """`703,284`."""
    return ABSENT if value is None else f"{value:,.0f}"


def compact(value: float | None) -> str:
    """`703 k`, `101.1 M`, `2.26 G`: three or four significant digits."""
    if value is None:
        return ABSENT
    for limit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            scaled = value / limit
            return f"{scaled:.{0 if scaled >= 100 else 1 if scaled >= 10 else 2}f}{letter}"
    return f"{value:.0f}"


def share(value: float | None) -> str:
    """`60.0 %` of a fraction of 1."""
    return ABSENT if value is None else f"{100 * value:.1f} %"


def milliseconds(value: float | None) -> str:
    """`3.14`, with three significant digits below 100."""
    return ABSENT if value is None else _three_digits(value)


def signed(value: float, digits: int = 2) -> str:
    """`+0.80`, `−0.80` with a real minus sign, and a zero without a sign."""
    text = f"{value:+.{digits}f}"
    return text[1:] if not float(text) else text.replace("-", "−")


def interval(difference: DifferenceInterval | None, digits: int = 2) -> str:
    """`−0.80 [−1.50, −0.10]`."""
    if difference is None:
        return ABSENT
    low, high = signed(difference.low, digits), signed(difference.high, digits)
    return f"{signed(difference.difference, digits)} [{low}, {high}]"


def ratio(value: Ratio | None) -> str:
    """`0.523 [0.510, 0.537]`."""
    return ABSENT if value is None else f"{value.ratio:.3f} [{value.low:.3f}, {value.high:.3f}]"


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `2.3 h`."""
    if seconds is None:
        return ABSENT
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def epochs(value: float) -> str:
    """`12`, or `3.1` where a part of an epoch was trained."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def watts(milliwatts: float | None) -> str:
    """`8.00`, `0.515`, `87.4`: three significant digits."""
    return ABSENT if milliwatts is None else _three_digits(milliwatts / 1000)


def joules(value: float | None) -> str:
    """`1.23 J`, `45.6 mJ`, `789 µJ`."""
    if value is None:
        return ABSENT
    if abs(value) < _NOTHING_J:
        return "0 J"
    for unit, factor in (("J", 1.0), ("mJ", 1e3)):
        if abs(value) * factor >= 1:
            return f"{_three_digits(value * factor)} {unit}".replace("-", "−")
    return f"{_three_digits(value * 1e6)} µJ".replace("-", "−")


def _three_digits(value: float) -> str:
    size = abs(value)
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3}f}"
