"""Results that came over the wire are the ones that were sent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.deploy.plain import from_plain


class Pair(NamedTuple):
    """A named tuple."""

    first: float
    second: str


@dataclass(frozen=True)
class Inner:
    """A part."""

    values: tuple[float, ...]
    pair: tuple[int, str] | None


@dataclass(frozen=True)
class Outer:
    """The whole."""

    name: str
    count: int | None
    inner: Inner
    parts: dict[str, Inner]
    flag: bool


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INNERS = st.builds(
    Inner, st.lists(FLOATS).map(tuple), st.none() | st.tuples(st.integers(), st.text())
)
OUTERS = st.builds(
    Outer, st.text(), st.none() | st.integers(), INNERS, st.dictionaries(st.text(), INNERS),
    st.booleans(),
)  # fmt: skip


@given(OUTERS)
def test_there_and_back(sent: Outer) -> None:
    assert from_plain(Outer, json.loads(json.dumps(asdict(sent)))) == sent


def test_named_tuples_and_further_keys() -> None:
    assert from_plain(Pair, {"first": 1, "second": "x", "more": 3}) == Pair(1.0, "x")


@pytest.mark.parametrize(("value", "kind"), [
    ({"first": 1.0}, KeyError), ({"first": "1", "second": "x"}, TypeError),
    ({"first": None, "second": "x"}, TypeError),
])  # fmt: skip
def test_what_does_not_suit_is_refused(value: dict, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        from_plain(Pair, value)
