"""Prefetching changes when items are made, never which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgeprune.data.prefetch import prefetched


def test_order_is_kept() -> None:
    assert list(prefetched(iter(range(1, 30)), depth=4)) == list(range(1, 30))
    assert list(prefetched(iter([]))) == []


def test_items_are_made_ahead() -> None:
    made: list[int] = []

    def make() -> Iterator[int]:
        for number in range(1, 9):
            made.append(number)
            yield number

    items = prefetched(make(), depth=3)
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]
    assert made == [1, 2, 3, 4]


def test_errors_arrive_where_the_item_would() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    items = prefetched(make())
    assert next(items) == 1
    with pytest.raises(OSError, match="gone"):
        next(items)
