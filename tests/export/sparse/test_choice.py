"""Which layers become sparse, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from edgeprune.errors import UnsupportedError, UserInputError
from edgeprune.export.sparse.choice import MAX_DENSITY, choose


@dataclass(frozen=True)
class Layer:
    name: str
    density: float | None
    obstacle: str = ""


LAYERS = [
    Layer("stem", 1.0),
    Layer("block1.conv1", MAX_DENSITY),
    Layer("block1.conv2", MAX_DENSITY + 0.01),
    Layer("block2.conv1", None, "its weight is INT8"),
]


def _sparse(wanted: str) -> list[str]:
    chosen = choose(LAYERS, wanted)
    assert all(choice.reason for choice in chosen)
    return [layer.name for layer, choice in zip(LAYERS, chosen, strict=True) if choice.sparse]


def test_auto_takes_what_is_sparse_enough() -> None:
    assert _sparse("auto") == ["block1.conv1"]
    assert [choice.reason for choice in choose(LAYERS, "auto")] == [
        "100.0% of its weights left, more than 20.5%",
        "20.5% of its weights left, at most 20.5%",
        "21.5% of its weights left, more than 20.5%",
        "its weight is INT8",
    ]


def test_names_and_patterns_are_taken_at_any_density() -> None:
    assert _sparse("stem, block1.conv2") == ["stem", "block1.conv2"]
    assert _sparse("block?.conv1") == ["block1.conv1"]
    assert _sparse("*") == ["stem", "block1.conv1", "block1.conv2"]


@pytest.mark.parametrize("wanted", ["auto", "block1.*"])
def test_what_lost_on_the_board_stays_dense(wanted: str) -> None:
    before = choose(LAYERS, wanted)
    chosen = choose(LAYERS, wanted, back=["block1.conv1"])
    assert before[1].sparse
    assert not chosen[1].sparse
    assert "lost" in chosen[1].reason
    assert [*chosen[:1], *chosen[2:]] == [*before[:1], *before[2:]]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("block1.conv3", "did you mean block1.conv"),
        ("xyz*", "it has stem, block1.conv1"),
        (" , ", "use auto, off, or names"),
    ],
)
def test_a_name_that_is_not_there_is_told(wanted: str, said: str) -> None:
    with pytest.raises(UserInputError) as told:
        choose(LAYERS, wanted)
    assert said in str(told.value)


def test_a_named_layer_that_cannot_become_sparse_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"block2\.conv1: its weight is INT8"):
        choose(LAYERS, "block2.conv1")
